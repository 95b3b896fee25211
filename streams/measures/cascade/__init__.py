"""Measures of one cascade: its shape, its tempo, its reach, and what is still to come. Pure."""
