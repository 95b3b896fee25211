"""`juice demo`: the whole product on real events in a minute, and what they say."""

MARK = "demo"
"""File in JUICE_HOME that says that its data are a demo's, and which processes it left running."""
