"""The plot of the report, in a venv of its own: panels as JSON on standard input, an SVG out."""

from __future__ import annotations

import json
import sys
from typing import Any

OURS, PEER, CEILING = "#0b7a75", "#9aa5b1", "#e3d9c6"


def main(file: str) -> None:
    """Draw one row per workload: records per second on the left, per CPU second on the right."""
    import matplotlib

    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "juice"  # the same figures are the same file
    from matplotlib import pyplot

    panels = [panel for panel in json.load(sys.stdin) if panel["bars"]]
    rows = max(1, len(panels))
    height = 1.1 + sum(0.9 + 0.36 * len(panel["bars"]) for panel in panels)
    figure, axes = pyplot.subplots(rows, 2, figsize=(11, height), squeeze=False, layout="constrained")
    for (left, right), panel in zip(axes, panels, strict=False):
        bars = panel["bars"]
        errors = [
            [bar["rate"] - bar["slowest"] for bar in bars],
            [bar["fastest"] - bar["rate"] for bar in bars],
        ]
        _bars(left, bars, "rate", "records per second", errors)
        _bars(right, bars, "per_cpu", "records per CPU second", None)
        right.set_yticklabels([])
        left.set_title(panel["title"], loc="left", fontsize=9)
    figure.savefig(file, metadata={"Date": None})


def _bars(axis: Any, bars: list[dict[str, Any]], what: str, label: str, errors: Any) -> None:
    colours = [OURS if bar["ours"] else CEILING if bar["ceiling"] else PEER for bar in bars]
    places = range(len(bars))
    axis.barh(places, [bar[what] for bar in bars], color=colours, xerr=errors, error_kw={"elinewidth": 0.8})
    axis.set_yticks(places, [bar["title"] for bar in bars], fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel(label, fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.xaxis.set_major_formatter(lambda value, place: f"{value:,.0f}")
    axis.spines[["top", "right"]].set_visible(False)
    axis.margins(x=0.12)
    for place, bar in zip(places, bars, strict=True):
        axis.annotate(
            f"{bar[what]:,.0f}",
            (bar[what], place),
            xytext=(4, 0),
            textcoords="offset points",
            fontsize=7,
            va="bottom",
        )


if __name__ == "__main__":
    main(sys.argv[1])
