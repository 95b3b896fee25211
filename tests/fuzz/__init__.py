"""Hostile records by the million through the three stages: none makes them fail, and all are accounted for.

`hostile` makes the records, `judge` says without the product what must become of each, `trial` pushes them through
the stages in memory and compares. `python -m tests.fuzz` is the long run, tests/unit/test_fuzz.py the short form.
"""
