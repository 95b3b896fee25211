"""Faults of what juice runs on, made one after another while events flow; afterwards every count is exact.

`world` is where they happen, `catalogue` what happens, `python -m tests.faults` the long run that writes the table of
docs/reliability.md. The short form is tests/integration/test_faults.py.
"""
