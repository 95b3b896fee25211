"""What a worker used once and does not use any more goes back to the system. Each look is a process of its own."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

from infra import allocator

LOOK = """
import ctypes, sys, tempfile
from threading import Barrier, Thread
from infra import allocator

def said():
    libc = ctypes.CDLL(None)
    libc.fopen.restype = ctypes.c_void_p
    with tempfile.NamedTemporaryFile() as file:
        stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
        libc.malloc_info(0, stream)
        libc.fclose(stream)
        return file.read().decode()

def mapped():
    return int(said().rsplit('<total type="mmap" count="', 1)[1].split('"')[0])

if sys.argv[1] == "steady":
    allocator.steady()
large = bytes(8 << 20)
del large  # by itself the allocator now has blocks up to this size in its heap
mapped()
before = mapped()
kept = bytes(4 << 20)  # more than any hole in the heap
more = mapped() - before
together = Barrier(4)
def work():
    together.wait()
    some = [bytes(1000) for _ in range(100)]
    together.wait()
threads = [Thread(target=work) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
print(more, said().count("<heap nr="))
"""


def look(how: str) -> tuple[int, int]:
    """Return how many mappings a large block brings, and how many heaps there are."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run([sys.executable, "-c", LOOK, how], capture_output=True, text=True, check=True, env=plain)
    mapped, heaps = map(int, done.stdout.split())
    return mapped, heaps


def test_large_blocks_stay_out_of_one_heap() -> None:
    """However large the blocks were that were freed before, and however many threads there are. Others than glibc are left
    as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        assert not allocator.steady()
        return
    assert look("steady") == (1, 1)
    mapped, heaps = look("as it is")
    assert (mapped, heaps > 1) == (0, True)
