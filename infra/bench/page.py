"""The report as a document: `docs/performance.md`."""

from __future__ import annotations

from typing import Final

from infra.bench.measure import WARM
from infra.bench.peer import Peer
from infra.bench.report import HEADINGS, Report, cells, describe
from infra.bench.summary import Table
from infra.bench.workload import PER_MILLION

_PAGE: Final = """\
# Performance

Written by `python -m infra.bench --write-docs`; run it to have the figures of your own machine. The ratios are what
counts: everything in a table was measured on one machine, against one broker, in turns.

![Records per second and per CPU second](performance.svg)

{tables}
## The machine

{machine}

## The work

Count what each account receives in each minute of event time, from a Kafka topic that is already full, and
keep the counts as safely as the peer can.

- Records are JSON of one size, `text` filling what the other fields leave. Kinds per million: {mix}.
- Who acts and who receives follows Zipf's law, with exponents 0.8 and 1.0. A post has no receiver; it is read
  and dropped.
- Time runs from the moment {warm:.0%} of the work is done (started, joined, warmed up) until the counts of
  all records are complete and as durable as the table below says. CPU time is that of the peer's processes;
  the broker's counts for nobody.
- Afterwards the count of every account and minute is compared with what the generator knows. Whoever is wrong
  is listed, and not compared.
- The order of the peers turns by one each round. The median is shown, beside the slowest and the fastest
  round. A peer with a share below 100 % is given only that part of the records, so as not to keep the others
  waiting.

## Who takes part

| | how | complete when | share | versions |
|---|---|---|--:|---|
{peers}
"""


def page(report: Report) -> str:
    """Return `report` as Markdown."""
    facts = {
        **report.machine,
        "busy with other things before the first run": f"{report.busy:.2f} per core",
        "date": report.date,
        "rounds": str(report.rounds),
    }
    peers = {line.peer.name: line.peer for table in report.tables for line in table.lines}
    absent = [f"| {title} | *did not take part: {why}* | | | |" for title, why in report.absent.items()]
    return _PAGE.format(
        tables="\n".join(map(_section, report.tables)),
        machine="\n".join(f"- {name}: {text}" for name, text in facts.items()),
        mix=", ".join(f"{kind} {count:,}" for kind, count in PER_MILLION.items()),
        warm=WARM,
        peers="\n".join([*map(_who, peers.values()), *absent]),
    )


def _section(table: Table) -> str:
    rows = ["| " + " | ".join(cells(table, line)) + " |" for line in table.lines]
    head = ["| " + " | ".join(HEADINGS) + " |", "|---|--:|--:|--:|--:|--:|--:|---|"]
    return "\n".join([f"## {describe(table.workload)}", "", *head, *rows, ""])


def _who(peer: Peer) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in peer.versions().items())
    return f"| {peer.title} | {peer.form} | {peer.durable} | {peer.share:.0%} | {versions} |"
