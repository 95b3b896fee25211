"""What is wrong with a rules file, said so that whoever wrote it can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple


class Problem(NamedTuple):
    """Something that keeps a file of rules from being used; `line` from 1, 0 for the file as a whole."""

    file: str
    line: int
    says: str

    def __str__(self) -> str:
        """Return it as compilers do, so that editors can jump to it.

        >>> print(Problem("spring.toml", 3, "`ende` is not known; did you mean `end`?"))
        spring.toml:3: `ende` is not known; did you mean `end`?
        """
        return f"{self.file}:{self.line}: {self.says}" if self.line else f"{self.file}: {self.says}"


def meant(word: str, known: Iterable[str]) -> str:
    """Return a question for the closest of the `known` words, or their list if none is close.

    >>> meant("hastags", ["hashtags", "venues"])
    'did you mean `hashtags`?'
    >>> meant("zzz", ["b", "a"])
    'known are: `a`, `b`'
    """
    words = sorted(known)
    close = get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    return f"did you mean `{close[0]}`?" if close else "known are: " + ", ".join(f"`{w}`" for w in words)
