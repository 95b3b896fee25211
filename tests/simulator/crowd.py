"""The people: few who do much and are much looked at, many who are neither."""

from __future__ import annotations

from array import array
from functools import lru_cache
from math import log
from random import Random

ODD_NAMES = (
    "\\u00e9va {0}",
    "\u00e9va-{0}",
    '{0}\\"; DROP TABLE events; --',
    "\U0001f34a{0}",
    "{0}\\\\\\t\\n'",
    "\u0645\u0631\u062d\u0628\u0627_{0}",
    "\\ud83c\\udf4a{0}\\u0000",
)
"""Names as they stand in JSON, each a test of quoting somewhere on the way."""


class Zipf:
    """Ranks 0 … n-1, rank k with a weight near (k+1)^-exponent, drawn in constant time and without tables."""

    def __init__(self, rng: Random, n: int, exponent: float) -> None:
        """The continuous power law on [1, n+1), inverted and cut to whole numbers."""
        self._random = rng.random
        self._end = n + 1.0
        self._root = 1.0 - exponent
        if abs(self._root) > 1e-9:
            self._span, self._inverse = self._end**self._root - 1.0, 1.0 / self._root

    def __call__(self) -> int:
        """Return a rank."""
        if abs(self._root) > 1e-9:
            return int((self._span * self._random() + 1.0) ** self._inverse) - 1
        return int(self._end ** self._random()) - 1


class Crowd:
    """Accounts by number, the most active first."""

    def __init__(self, rng: Random, accounts: int, zipf: float, mixing: float) -> None:
        """`mixing`: how far popularity strays from activity, see `Plan`."""
        self.size = accounts
        self._active = Zipf(rng, accounts, zipf)
        strayed = [log(n + 1) + rng.gauss(0, 1) * mixing for n in range(accounts)]
        self.popularity = array("I", sorted(range(accounts), key=strayed.__getitem__))
        """Account at each rank of popularity."""
        self.followers = array("I", bytes(4 * accounts))
        for rank, account in enumerate(self.popularity):
            self.followers[account] = int(10 * accounts / (rank + 1) ** 0.9)

    def active(self) -> int:
        """Return somebody who acts."""
        return self._active()

    def popular(self) -> int:
        """Return somebody who is looked at."""
        return self.popularity[self._active()]


@lru_cache(maxsize=1 << 16)
def name_of(account: int) -> str:
    """Return the account's name as it stands within quotes in JSON; one in 97 is odd."""
    if account % 97 == 41:
        return ODD_NAMES[account // 97 % len(ODD_NAMES)].format(account)
    return f"u{account}"
