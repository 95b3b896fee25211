"""How it is expected to go on.

- Definition: infectiousness, shares per follower who sees one, as it is now; the size in the end, or that no bound is seen.
- Units: shares per follower; shares.
- Source: SEISMIC (`seismic.py`).
- Fooled by: bought followers, followers that nobody states, a night in between.
"""

from __future__ import annotations

from typing import Final

from schemas.rows.table import Column, Summed
from streams.measures.cascade.measure import LATEST, MOST, CascadeMeasure
from streams.measures.cascade.view import CascadeView


def outlook(view: CascadeView) -> tuple[float, float | None, bool]:
    """Return infectiousness, the forecast size (None when unbounded), and whether it is unbounded.

    >>> from streams.measures.cascade.seismic import Forecast
    >>> from streams.measures.cascade.view import cascade
    >>> outlook(cascade((10, "bob", ""), coming=Forecast(None, 0.02, True)))
    (0.02, None, True)
    """
    coming = view.coming
    return coming.infectiousness, coming.size, coming.unbounded


MEASURE: Final = CascadeMeasure(
    (
        Summed(
            Column("infectiousness", "Float64", "shares per follower who sees it (SEISMIC); 0 when unknown"), LATEST
        ),
        Summed(
            Column("forecast_size", "Nullable(Float64)", "size in the end (SEISMIC); null when unbounded"),
            "if(max(e.unbounded), NULL, sum({}))",
        ),
        Summed(Column("unbounded", "Bool", "expected to grow without bound, as of as_of"), MOST),
    ),
    outlook,
)
