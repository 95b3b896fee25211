"""How a process that runs stages has Python run: the loop, the turns of its threads, and the search for cycles."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

TURN: Final = 0.001
"""Seconds. Who reads a broker's answer waits so long for the thread that computes; by itself Python lets it have 5 ms."""
CYCLES: Final = (50_000, 20, 100)
"""Batches make many short-lived tuples and keep none in cycles: looking for cycles as often as Python does by itself took a
third of the time."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` to its end on uvloop, where there is one for this system; what is loaded by now stays for good."""
    gc.freeze()
    gc.set_threshold(*CYCLES)
    sys.setswitchinterval(TURN)
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)
