"""How a process that runs stages has Python run: the loop, the turns of its threads, and the search for cycles."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

TURN: Final = 0.001
"""Seconds for which a thread computes while another waits, say to read a broker's answer. Python's default is 5 ms."""
LONG_TURN: Final = 0.005
"""The same on a backlog, where it brings 4 to 8 % more events a second (docs/decisions/0012-core.md)."""
CYCLES: Final = (200_000, 20, 100)
"""GC thresholds. Batches make many short-lived tuples and no cycles; Python's default spent a third of the CPU looking. At
50,000: 41 and 52 collections per 320,000 events of every measure, 1.5 to 1.8 s of 43 to 51 s of CPU; at 200,000 none."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end on uvloop, where there is one for this system; what is loaded by now stays for good."""
    gc.freeze()
    gc.set_threshold(*CYCLES)
    turns(backlog=False)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


def turns(*, backlog: bool) -> None:
    """Have threads take turns as it is best on a backlog, or without one."""
    sys.setswitchinterval(LONG_TURN if backlog else TURN)
