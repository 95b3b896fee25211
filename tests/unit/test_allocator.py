"""What a worker used once and does not use any more goes back to the system. Each look is a process of its own."""

from __future__ import annotations

import platform
import subprocess
import sys

from infra import allocator

LOOK = """
import ctypes, sys, tempfile
from threading import Barrier, Thread
from infra import allocator

if sys.argv[1] == "steady":
    allocator.steady()
large = bytes(8 << 20)
del large  # by itself the allocator now has blocks up to this size in its heap
kept = bytes(allocator.LARGE + 4096)
together = Barrier(4)
def work():
    together.wait()
    some = [bytes(1000) for _ in range(100)]
    together.wait()
threads = [Thread(target=work) for _ in range(4)]
for each in threads: each.start()
for each in threads: each.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as file:
    stream = ctypes.c_void_p(libc.fopen(file.name.encode(), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    said = file.read().decode()
mapped = int(said.rsplit('<total type="mmap" count="', 1)[1].split('"')[0])
print(mapped, said.count("<heap nr="))
"""


def look(how: str) -> tuple[int, int]:
    """Return how many blocks have a mapping of their own, and how many heaps there are."""
    done = subprocess.run([sys.executable, "-c", LOOK, how], capture_output=True, text=True, check=False)
    mapped, heaps = map(int, done.stdout.split())
    return mapped, heaps


def test_large_blocks_stay_out_of_one_heap() -> None:
    """However large the blocks were that were freed before, and however many threads there are. Others than glibc are left
    as they are.
    """
    if platform.libc_ver()[0] != "glibc":
        assert not allocator.steady()
        return
    mapped, heaps = look("steady")
    before, more = look("as it is")
    assert mapped > before
    assert (heaps, more > 1) == (1, True)
