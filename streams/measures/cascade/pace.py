"""How fast it goes.

- Definition: shares per minute over the five minutes before the moment, the most in one minute, the seconds until half of
  the size was there, and whether a share came in the last hour.
- Units: shares per minute; seconds.
- Source: `tempo.py`; within a minute shares count as evenly spread.
- Fooled by: a night in between; half of the size moves as long as the cascade grows.
"""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Summed
from streams.measures.cascade.measure import LARGEST, MOST, SUM, CascadeMeasure
from streams.measures.cascade.view import CascadeView
from streams.subject import HOUR


def pace(view: CascadeView) -> tuple[float, int, float, bool]:
    """Return shares per minute, the peak, the time to half of the size in seconds, and whether it grows.

    >>> from streams.measures.cascade.view import cascade
    >>> pace(cascade((10, "bob", ""), (30, "cy", ""), (400, "dee", ""), at=420))
    (0.2, 2, 45.0, True)
    """
    tempo, size = view.tempo, view.size
    return (
        0.0 if view.final else tempo.per_minute(view.at),
        tempo.peak(),
        tempo.time_to(size / 2, view.started) if size else 0.0,
        bool(size) and not view.final and view.at - view.last < HOUR,
    )


MEASURE: Final = CascadeMeasure(
    (
        Summed(Column("shares_per_minute", "Float64", "over the five minutes before as_of"), SUM),
        Summed(Column("peak_per_minute", "UInt64", "most shares in one minute"), MOST),
        Summed(
            Column("time_to_half", "Float64", "seconds from started_at to half of the size"),
            LARGEST,
            "seconds from started_at to half of the size, in the largest episode",
        ),
        Summed(
            Column("growing", "Bool", "a share came in the hour before as_of, so time_to_half may still move"), MOST
        ),
    ),
    pace,
)
