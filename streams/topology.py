"""The Faust app: three stages on one worker, built from settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from infra.settings import Settings
from streams.agents.accept import Accept
from streams.agents.accumulate import Accumulate
from streams.agents.ingest import Ingest
from streams.campaigns.rulebook import Rulebook
from streams.engine.app import StagedApp, staged
from streams.engine.stage import Stage
from streams.names import Names
from streams.subjects.registry import chosen


class Juice(StagedApp):
    """The app of a worker."""

    reload: Callable[[Callable[[], bool]], Awaitable[None]]
    """Call what may put other rules in force, and tells whether it did, while nothing is computed with them."""


def build(settings: Settings, *, kafka: str, sources: int, rulebook: Rulebook) -> Juice:
    """Return the app: `kafka` are bootstrap servers, `sources` the partitions of `social.events`."""
    names = Names.of(settings)
    app = staged(Juice, names.app, settings, kafka=kafka)
    subjects = chosen(settings.chosen, rulebook=rulebook, silence=settings.cascade_silence)
    parts = settings.partitions
    ingest = Ingest(
        names=names,
        partitions=parts,
        lateness=settings.lateness,
        future=settings.future,
        idle=settings.idle,
    )
    accept = Accept(
        names=names,
        sources=sources,
        partitions=parts,
        horizon=settings.horizon,
        idle=settings.idle,
        subjects=subjects,
    )
    accumulate = Accumulate(names=names, partitions=parts, subjects=subjects)
    stages = [
        Stage(
            app,
            name="ingest",
            source=names.events,
            partitions=sources,
            body=ingest,
            reached=ingest.reached,
        ),
        Stage(
            app,
            name="accept",
            source=names.decoded,
            partitions=parts,
            body=accept,
            heard=accept.heard,
        ),
        Stage(
            app,
            name="accumulate",
            source=names.routed,
            partitions=parts,
            body=accumulate,
            apart=True,
        ),
    ]

    def reloaded(look: Callable[[], bool]) -> None:
        if look():
            accumulate.rules_changed()

    app.reload = lambda look: stages[-1].between(lambda: reloaded(look))
    app.chain(stages)
    return app
