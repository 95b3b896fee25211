"""Lines of files: plain or gzip, one file after the other, `-` for standard input."""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import BinaryIO, Final, cast

from infra.settings import SettingsError

MAX_LINE: Final = 16 << 20
"""Bytes of the longest line that is sent; its dead letter, in base64, still fits into 32 MiB."""

STDIN: Final = "-"
_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"


class ReplayError(SettingsError):
    """A replay that cannot start or go on; the message is one line for the user."""


class Lines:
    """The lines of `paths` without the white space around them; empty ones are passed over.

    Whether a file is gzip is told by its first bytes, not by its name. A line longer than MAX_LINE comes as
    its first MAX_LINE bytes and one more. Iterating again begins again, which standard input does not allow.
    While iterating, `path` and `number` (from 1) say where the line stands.

    Raises ReplayError for a file that is not there, may not be read, or is damaged.
    """

    def __init__(self, paths: Sequence[str], stdin: BinaryIO | None = None) -> None:
        self.paths = tuple(paths)
        self.path, self.number = "", 0
        self._stdin = stdin
        self._sizes = {path: _size(path) for path in self.paths if path != STDIN}
        self._before = 0
        self._file: BinaryIO | None = None

    @property
    def rereadable(self) -> bool:
        """Whether iterating a second time gives the same lines."""
        return STDIN not in self.paths and None not in self._sizes.values()

    def fraction(self) -> float | None:
        """Return how much has been read, 0 to 1; None when that cannot be known."""
        total = sum(size or 0 for size in self._sizes.values())
        if not self.rereadable or not total:
            return None
        here = 0 if self._file is None or self._file.closed else self._file.tell()
        return min((self._before + here) / total, 1.0)

    def __iter__(self) -> Iterator[bytes]:
        self._before = 0
        for path in self.paths:
            self.path, self.number = path, 0
            try:
                with self._open(path) as stream:
                    for line in iter(partial(stream.readline, MAX_LINE + 1), b""):
                        self.number += 1
                        if len(line) > MAX_LINE and not line.endswith(b"\n"):
                            _skip_rest(stream)
                        elif self.number == 1:
                            line = line.removeprefix(_BOM)
                        if line := line.strip():
                            yield line
            except (OSError, EOFError, zlib.error) as error:
                # gzip says of a file that was cut off only that it ended: EOFError.
                where = f"{path}: " + (f"after line {self.number}: " if self.number else "")
                raise ReplayError(where + _why(error)) from None
            self._before += self._sizes.get(path) or 0

    @contextmanager
    def _open(self, path: str) -> Iterator[BinaryIO]:
        if path == STDIN:
            raw = self._stdin or sys.stdin.buffer
            yield _unpacked(raw)
            return
        with open(path, "rb") as raw:
            self._file = raw
            yield _unpacked(raw)


def _unpacked(raw: BinaryIO) -> BinaryIO:
    stream = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
    if stream.peek(2)[:2] != _GZIP:
        return cast(BinaryIO, stream)
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream, mode="rb"))


def _skip_rest(stream: BinaryIO) -> None:
    for piece in iter(partial(stream.readline, MAX_LINE), b""):
        if piece.endswith(b"\n"):
            return


def _size(path: str) -> int | None:
    """Return the bytes of a file that can be read, None for a pipe; raise ReplayError for one that cannot."""
    try:
        found = os.stat(path)
        if stat.S_ISFIFO(found.st_mode):
            return None  # not opened: who writes into it would lose the one who listens
        with open(path, "rb"):
            return found.st_size
    except (OSError, ValueError) as error:
        raise ReplayError(f"{path}: {_why(error)}") from None


def _why(error: Exception) -> str:
    if isinstance(error, EOFError | gzip.BadGzipFile | zlib.error):
        return f"damaged gzip ({error})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    return str(error)
