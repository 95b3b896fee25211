"""The Typer app that commands register with, and what they share."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from infra import logs
from infra.settings import Settings, SettingsError, load, unknown

app = typer.Typer(
    name="juice",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Measure social currency while it flows: Kafka → Faust → ClickHouse, with Prometheus looking on.\n\n"
    "Begin with [bold]juice demo[/], or [bold]juice up && juice migrate[/], then [bold]juice worker[/] and "
    "[bold]juice sink[/].",
)


@app.callback()
def juice() -> None:
    """Keep the commands' names: without this, an app with one command would be that command."""


console = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def settings() -> Settings:
    """Return the settings, with logs configured; say which JUICE_* variables nothing reads."""
    found = load()
    logs.configure(found)
    for variable in unknown():
        print(f"juice: warning: {variable} is not a setting (see `juice config`)", file=sys.stderr)
    return found


def sure(command: str, question: str, *, yes: bool) -> None:
    """Ask before what cannot be undone, unless told `yes`; raise SettingsError where nobody can be asked."""
    if yes:
        return
    if sys.stdin is None or not sys.stdin.isatty():
        raise SettingsError(f"{command} needs --yes where nobody can be asked")
    typer.confirm(question, abort=True, err=True)
