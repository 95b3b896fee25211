"""What only long runs show: that memory does not grow with time, and how soon a large state is back after a kill.

`memory` and `recovery` measure on a stack of their own, `looks` reads what they see; `python -m tests.endurance` runs them.
"""
