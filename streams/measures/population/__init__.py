"""Measures of all accounts together, on values or ties that were gathered before. Pure; for batch and as
oracles.

The same formulas stand as SQL in ClickHouse, where leaderboards and dashboards read them; tests hold both
together.
"""
