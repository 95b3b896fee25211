"""The C library's allocator: told to give back what is not used any more.

By itself glibc serves large blocks from mappings of their own only until the first of them is freed: then it raises the size
from which it does so to that block's, up to 32 MiB. From there on the megabytes of a batch come from the heap, where
lasting values settle between them and keep the holes open. And each thread has a heap of its own.
"""

from __future__ import annotations

import ctypes
from typing import Final

LARGE: Final = 64 * 1024
"""Bytes from which a block has a mapping of its own, which goes when it is freed."""

_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8


def steady() -> bool:
    """Fix from what size blocks are mapped, and share one heap among all threads; tell whether this C library can.

    To be called before other threads begin.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):  # another than glibc
        return False
    return bool(mallopt(_MMAP_THRESHOLD, LARGE)) and bool(mallopt(_ARENA_MAX, 1))
