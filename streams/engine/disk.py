"""State on disk, in RocksDB: for more keys than fit into memory.

The changelog stays what counts. A worker begins with an empty folder and reads its partitions back into it; nothing is ever
read that an earlier worker left. So nothing is synced here, and no log is kept of what was written.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import ItemsView, Iterator, Mapping, MutableMapping
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from functools import cache, partial
from itertools import count
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit, setrlimit
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final

from infra.settings import SettingsError

if TYPE_CHECKING:
    from rocksdict import Options  # takes 8 MiB and 20 ms, so it is not loaded where state is in memory

READ: Final = 64 << 20
"""Bytes of what was read last that a worker keeps in memory, over all its partitions."""
WRITTEN: Final = 64 << 20
"""Bytes of what it wrote last and has not put on disk, over all its partitions."""
TABLE: Final = 8 << 20
"""Bytes after which a partition puts on disk what it wrote."""
BLOOM: Final = 10
"""Bits per key of the filter that tells without reading that a key is not there; for one missing key in a hundred it cannot."""

PREFIX: Final = "juice-state-"
"""How the names of our folders begin."""

_serial = count()


class DiskError(OSError):
    """What is on disk cannot be read or written."""


def place(root: Path) -> Path:
    """Return a folder in `root` that is this process's own while it lives, and remove those of processes that are gone.

    Raises SettingsError where that cannot be.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        together = _locked(root / "lock", LOCK_EX)
        for left in root.glob(f"{PREFIX}*"):
            with suppress(BlockingIOError, FileNotFoundError, NotADirectoryError):  # somebody's, or none of ours
                os.close(_locked(left / "lock", LOCK_EX | LOCK_NB, new=False))
                shutil.rmtree(left)
        mine = Path(mkdtemp(prefix=PREFIX, dir=root))
        _locked(mine / "lock", LOCK_EX)  # until the process ends, however it ends
        os.close(together)
        _, most = getrlimit(RLIMIT_NOFILE)
        setrlimit(RLIMIT_NOFILE, (most, most))  # each partition has files of its own
    except OSError as error:
        raise SettingsError(f"JUICE_STATE: {root} is no folder for state: {error.strerror}") from None
    return mine


class OnDisk(MutableMapping[bytes, bytes]):
    """The keys and values of one partition of a table, in a folder of their own in `folder`. They are removed with it."""

    def __init__(self, folder: Path, name: str) -> None:
        from rocksdict import Rdict, WriteBatch, WriteOptions

        self._path = folder / f"{name}-{next(_serial)}"
        self._batch = partial(WriteBatch, raw_mode=True)
        try:
            self._rows: Any = Rdict(str(self._path), _options())  # typed for whatever keys and values may be
        except Exception as error:  # nothing narrower is raised, here and below
            raise DiskError(str(error)) from error
        writing: Any = WriteOptions()
        writing.disable_wal = True
        self._rows.set_write_options(writing)

    def __del__(self) -> None:
        """Remove what nobody refers to any more: a partition that was given up may still be at work in a thread."""
        with suppress(Exception):  # it was not opened, or what nobody wants any more cannot be written
            self._rows.close()
        shutil.rmtree(self._path, ignore_errors=True)

    def __getitem__(self, key: bytes) -> bytes:
        """Return a value; raise KeyError if there is none."""
        value: bytes | None = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def get(self, key: bytes, default: Any = None) -> Any:
        """Return a value, or the default."""
        try:
            return self._rows.get(key, default)
        except Exception as error:
            raise DiskError(str(error)) from error

    def __contains__(self, key: Any) -> bool:
        """Tell whether there is a value."""
        return self.get(key) is not None

    def __setitem__(self, key: bytes, value: bytes) -> None:
        """Put a value."""
        try:
            self._rows.put(key, value)
        except Exception as error:
            raise DiskError(str(error)) from error

    def __delitem__(self, key: bytes) -> None:
        """Take a value away; raise KeyError if there is none."""
        if key not in self:
            raise KeyError(key)
        self.write({key: None})

    def __iter__(self) -> Iterator[bytes]:
        """Go through the keys as they are now, in the order of their bytes."""
        return (key for key, _ in self._scan())

    def __len__(self) -> int:
        """Count the keys, which takes going through them."""
        return sum(1 for _ in self)

    def items(self) -> ItemsView[bytes, bytes]:
        """Go through keys and values at once."""
        return _Items(self)

    def write(self, writes: Mapping[bytes, bytes | None]) -> None:
        """Put values, and take away those that are None, all at once."""
        batch = self._batch()
        for key, value in writes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        try:
            self._rows.write(batch)
        except Exception as error:
            raise DiskError(str(error)) from error

    def _scan(self) -> Iterator[tuple[bytes, bytes]]:
        at = self._rows.iter()
        at.seek_to_first()
        while at.valid():
            yield at.key(), at.value()
            at.next()
        try:
            at.status()  # it ends as well where it cannot read on
        except Exception as error:
            raise DiskError(str(error)) from error


class _Items(ItemsView[bytes, bytes]):
    _mapping: OnDisk

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        return self._mapping._scan()


@cache
def _options() -> Options:
    """Return what all partitions of this process share: memory, which is bounded for all together, and few threads."""
    from rocksdict import BlockBasedOptions, Cache, DBCompressionType, Options, WriteBufferManager

    blocks = BlockBasedOptions()
    blocks.set_block_cache(Cache(READ))
    blocks.set_bloom_filter(BLOOM, False)  # not cached, as indexes are not: what is read would push them out
    options = Options(raw_mode=True)
    options.create_if_missing(True)
    options.set_block_based_table_factory(blocks)
    options.set_write_buffer_size(TABLE)
    options.set_write_buffer_manager(WriteBufferManager(WRITTEN, False))
    options.set_compression_type(DBCompressionType.lz4())
    options.set_max_background_jobs(2)
    options.set_max_open_files(256)
    options.set_keep_log_file_num(1)
    options.set_stats_dump_period_sec(0)
    return options


def _locked(path: Path, how: int, *, new: bool = True) -> int:
    """Return the descriptor of a locked file; closing it unlocks. With LOCK_NB raises BlockingIOError instead of waiting."""
    descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if new else 0), 0o600)
    try:
        flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
