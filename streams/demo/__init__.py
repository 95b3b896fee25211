"""`juice demo`: the whole product on real events in a minute, and what they say."""
