"""`juice replay`, `juice dead-letters`: real events from files into Kafka, and refused ones once more."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import typer
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as RichBar
from rich.table import Table
from rich.text import Text

from infra.clock import wall
from infra.settings import Settings, SettingsError
from schemas.decode import Reason
from streams.cli.app import app, console, err, settings, sure

if TYPE_CHECKING:
    from streams.replay import Progress, Summary
    from streams.replay.letters import Letter

INTERRUPTED: Final = 130
SHOWN: Final = 20

Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command()
def replay(
    files: Annotated[list[str], typer.Argument(metavar="FILE…", help="NDJSON, plain or gzip; - is standard input.")],
    speed: Annotated[str, typer.Option(help="Times faster than the events happened, or max.")] = "max",
    rebase_to: Annotated[
        str,
        typer.Option(
            metavar="TIME|now",
            help="Move all times alike: the latest event lands on TIME, or the first at --speed 1 or less.",
        ),
    ] = "",
    sort: Annotated[bool, typer.Option("--sort", help="Bring all files together in time order, in memory.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Events to send at the most.")] = None,
    as_json: Json = False,
) -> None:
    """Send the events in FILE… to Kafka, one record for each line.

    A line that is not JSON is reported with its number, left out and counted; exit 1 where no line was any better. Ctrl-C
    stops cleanly.

    Example: juice replay --sort --speed 60 --rebase-to now monday.ndjson.gz tuesday.ndjson.gz
    """
    from streams.replay import replay_files

    found = settings()
    factor, target = _speed(speed), _target(rebase_to)
    with Bar() as bar:
        summary = replay_files(
            found,
            files,
            speed=factor,
            rebase_to=target,
            sort=sort,
            limit=limit,
            progress=bar.show,
            warn=bar.warn,
        )
    print(msgspec.json.encode(summary).decode() if as_json else _said(summary))
    if summary.interrupted:
        raise typer.Exit(INTERRUPTED)
    if summary.broken and not summary.sent:
        raise typer.Exit(1)


def _speed(text: str) -> float | None:
    """Return the factor, or None for `max`; raise SettingsError for anything else."""
    if text == "max":
        return None
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 0 < factor < float("inf"):
        raise SettingsError(f"--speed {text}: write max, or a number above 0, such as 1 or 60")
    return factor


def _target(text: str) -> int | None:
    """Return the time to move to in epoch ms, None for none; raise SettingsError for anything else."""
    from streams.replay.events import parse_instant

    try:
        return parse_instant(text, now=wall()) if text else None
    except ValueError as error:
        raise SettingsError(f"--rebase-to {text}: {error}") from None


def _said(summary: Summary) -> str:
    """Return the summary as one line."""
    parts = [f"{summary.sent:,} events sent in {summary.seconds:.1f} s ({summary.per_second:,.0f}/s)"]
    if summary.earliest:
        parts.append(f"of {summary.earliest} … {summary.latest}")
    if summary.late:
        parts.append(f"{summary.late:,} of them late")
    if summary.broken:
        parts.append(f"{summary.broken:,} broken lines left out")
    if summary.interrupted:
        parts.append(f"stopped at {summary.stopped_at or 'the start'}")
    return ", ".join(parts)


class Bar:
    """A progress bar on a terminal, nothing elsewhere; warnings go above it, or to standard error."""

    def __init__(self) -> None:
        self._bar = RichBar(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[said]}"),
            TimeElapsedColumn(),
            console=err,
            transient=True,
            disable=not err.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None, said="")

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, progress: Progress) -> None:
        """Show how far a replay is."""
        from streams.replay.events import instant

        said = f"{progress.sent:,} sent"
        if progress.at >= 0:
            said += f" · {instant(progress.at)[:16].replace('T', ' ')}"
        if progress.broken:
            said += f" · [yellow]{progress.broken:,} broken[/]"
        if progress.late:
            said += f" · [yellow]{progress.late:,} late[/]"
        total = None if progress.fraction is None else 1.0
        self._bar.update(
            self._task, description=progress.phase, total=total, completed=progress.fraction or 0, said=said
        )

    def count(self, description: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        self._bar.update(self._task, description=description, total=total, completed=done, said=f"{done:,}")

    def warn(self, text: str) -> None:
        """Say something that does not end the work."""
        if self._bar.disable:
            print(f"juice: {text}", file=sys.stderr, flush=True)
        else:
            self._bar.console.print(Text(f"juice: {text}", style="yellow"))


@app.command(name="dead-letters")
def dead_letters(
    reason: Annotated[str | None, typer.Option(help="Only those with this reason: " + ", ".join(Reason) + ".")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help=f"The newest so many; {SHOWN} when shown, else all.")] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Send their records to social.events again.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before sending.")] = False,
    as_json: Json = False,
) -> None:
    """Show what could not be used and why, newest last; or send it again.

    With --json one line for each, as on the topic. With --replay the bytes go back to the partition they came
    from; what still cannot be used comes back as a new dead letter, so mend the reason first (JUICE_LATENESS,
    a newer version, …). The old letters stay.

    Example: JUICE_LATENESS=2d juice worker & juice dead-letters --reason late --replay
    """
    from streams.replay.letters import read_letters

    if reason is not None and reason not in list(Reason):
        raise SettingsError(f"--reason {reason}: there are {', '.join(Reason)}")
    found = settings()
    if replay:
        _send_again(found, reason, limit, yes=yes, as_json=as_json)
    elif as_json:
        for letter in read_letters(found, reason=reason, limit=limit, unreadable=_complain):
            print(msgspec.json.encode(letter).decode())
    else:
        letters = read_letters(found, reason=reason, limit=limit or SHOWN, unreadable=_complain)
        _table(list(letters), reason)


def _complain(text: str) -> None:
    print(f"juice: {text}", file=sys.stderr)


def _table(letters: list[Letter], reason: str | None) -> None:
    if not letters:
        console.print("no dead letters" + (f" with reason {reason}" if reason else ""))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("reason", no_wrap=True)
    table.add_column("detail", overflow="fold", ratio=2)
    table.add_column("topic/partition@offset", overflow="fold")
    table.add_column("record", overflow="ellipsis", no_wrap=True, ratio=2)
    for letter in letters:
        table.add_row(
            letter.reason,
            Text(letter.detail),
            Text(f"{letter.topic}/{letter.partition}@{letter.offset}"),
            Text(letter.glimpse(console.width)),
        )
    console.print(table)


def _send_again(found: Settings, reason: str | None, limit: int | None, *, yes: bool, as_json: bool) -> None:
    from streams.replay.letters import read_letters, send_again

    counted = Counter(letter.reason for letter in read_letters(found, reason=reason, limit=limit))
    total = counted.total()
    what = ", ".join(f"{count:,} {name}" for name, count in counted.most_common())
    sure("dead-letters --replay", f"Send {total:,} records again ({what})?", yes=yes or not total)
    with Bar() as bar:
        letters = read_letters(found, reason=reason, limit=limit, unreadable=bar.warn)
        resent = send_again(found, letters, progress=lambda done: bar.count("sending", done, total))
    if as_json:
        print(json.dumps(msgspec.to_builtins(resent)))
    else:
        what = ", ".join(f"{count:,} {name}" for name, count in sorted(resent.reasons.items()))
        print(f"{resent.sent:,} records sent again" + (f": {what}" if what else ""))
        if resent.foreign:
            print(f"{resent.foreign:,} letters are about other topics; they were left")
        if resent.cut:
            print(f"{resent.cut:,} letters hold only the beginning of their record; they were left")
    if resent.interrupted:
        raise typer.Exit(INTERRUPTED)
