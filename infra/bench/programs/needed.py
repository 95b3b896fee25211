"""What the count needs of a record, for the programs that decode with msgspec: each of them the same."""

from __future__ import annotations

import msgspec


class Needed(msgspec.Struct, gc=False):
    """The fields the count needs; the decoder skips the rest."""

    time: int
    object_author: str = ""
    targets: tuple[str, ...] = ()

    @property
    def receiver(self) -> str:
        """Return who receives; empty for a post, which nobody does."""
        return self.targets[0] if self.targets else self.object_author


decode = msgspec.json.Decoder(Needed).decode


def cell(event: Needed) -> str:
    """Return the key to count under: who receives, and the start of the minute in epoch ms."""
    return f"{event.receiver} {event.time - event.time % 60_000}"
