"""`juice drain`, `audit`, `dead-letters`: is everything there, and is it right?"""
