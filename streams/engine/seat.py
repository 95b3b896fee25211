"""A worker's seat in its consumer group, given up for it when it could not do so itself.

Why it is needed: a killed process cannot leave its group, so the broker keeps its partitions until the session ends, ten
seconds in which nobody reads them. The supervisor knows at once that its child is dead. So each child notes its seat in
memory that the supervisor lends it, and the next child gives up the seat noted there (`infra.kafka.remove_member`) before it
takes one of its own. What the dead child had under way may still be written later; that does no harm (`table`).
"""

from __future__ import annotations

import mmap
import os
import tempfile
from typing import Final

LENT: Final = "JUICE_SEAT"
"""In the environment of a child: the descriptor of the memory it was lent."""
LONGEST: Final = 1_024
"""Bytes of the name of a seat, which is the worker's client id and a UUID."""


def lend() -> int:
    """Return the descriptor of memory, for one child after the other: on a disk there might be no room for a note."""
    if hasattr(os, "memfd_create"):
        lent = os.memfd_create("juice-seat")
    else:
        with tempfile.TemporaryFile() as file:
            lent = os.dup(file.fileno())
    os.pwrite(lent, b" " * LONGEST, 0)
    return lent


def note(member: str) -> None:
    """Note that this process has the seat `member`; nothing where no memory was lent."""
    if (lent := os.environ.get(LENT)) is not None:
        with mmap.mmap(int(lent), LONGEST) as seat:
            seat[:] = member.encode().ljust(LONGEST)


def noted() -> str:
    """Return the seat that the process before had; empty if there was no process, or it had no seat."""
    lent = os.environ.get(LENT)
    return "" if lent is None else os.pread(int(lent), LONGEST, 0).decode().rstrip()
