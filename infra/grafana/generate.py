"""Every dashboard as the file that Grafana reads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from infra.grafana.amplification import amplification
from infra.grafana.campaigns import campaigns
from infra.grafana.influence import influence
from infra.grafana.pipeline import pipeline

DASHBOARDS: Final = (pipeline, influence, amplification, campaigns)


def generated() -> dict[str, str]:
    """Return the JSON of every dashboard by file name."""
    return {f"{make.__name__}.json": _text(make) for make in DASHBOARDS}


def _text(make: Callable[[], Dashboard]) -> str:
    made = json.loads(json.dumps(make().build(), cls=JSONEncoder))
    for variable in made["templating"]["list"]:
        for of_intervals in ("auto", "auto_count", "auto_min"):  # the kit says them of every variable
            variable.pop(of_intervals, None)
    return json.dumps(made, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
