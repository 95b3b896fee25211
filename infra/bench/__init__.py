"""The bench: one seeded workload, one broker, one machine, and every peer at the same work, side by side.

To understand it, start here: `workload` draws the events and knows the right answer, `records` spells them as
bytes, `topic` puts them into Kafka; a `peer` counts them in a process of its own and `verdict` holds its
counts against the truth; `bench` rotates peers through rounds, `report` says what came out.

Nothing but the standard library may be imported here: the peers' programs import this package from their own
venvs.
"""
