"""What an entrant did that looks like gaming, as numbers with their evidence. Nobody is excluded by it. Pure.

- `burst`: the most entries within a minute, from BURST on; people who write do not post five times a minute.
- `repeated_text`: entries with the text that was used most, from REPEATS on (case and white space aside).
- `follow_for_entry`: follows made in the campaign's name; the rules of most networks forbid to ask for them.
- `no_followers`: entries made while who acted said that they had no follower at all, as new and throw-away accounts do.
  In a referral that is who was brought in, and the signal is of who brought them.

Fooled by: several accounts that take turns; an event feed (a live conference) in which bursts are honest;
texts that a network or a data set has cut down to their hashtags.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

import msgspec

from streams.subject import MINUTE

SIGNALS: Final = ("burst", "repeated_text", "follow_for_entry", "no_followers")
BURST: Final = 5
REPEATS: Final = 3
MAX_TEXTS: Final = 500
"""Different texts that are remembered once they are settled; those used once are forgotten first."""
MAX_RECENT: Final = 1_000
"""Settled entries of the last minute that are remembered, for bursts that are still going on."""


class Signal(NamedTuple):
    """A signal: how many times, the time of the first and of the last (ms; 0: not kept), and a sentence."""

    name: str
    times: int
    since: int
    until: int
    says: str


class Evidence(msgspec.Struct, array_like=True, omit_defaults=True):
    """What is kept of one entrant; what has settled, as sums."""

    open: dict[tuple[int, int, bool, bool], int] = {}
    """(time, hash of the text, disclosed, without followers) → entries that stand"""
    open_follows: dict[int, int] = {}
    """time → follows that stand"""
    disclosed: int = 0
    undisclosed: int = 0
    without_followers: int = 0
    follows: int = 0
    texts: dict[int, int] = {}
    recent: tuple[int, ...] = ()
    burst: tuple[int, int, int] = (0, 0, 0)
    """Count, first and last time of the greatest settled burst."""
    undone: bool = False
    """Was anything taken back since any was settled?"""

    @property
    def size(self) -> int:
        """Return about how many bytes it takes."""
        return 100 + 24 * len(self.open) + 11 * (len(self.open_follows) + len(self.texts) + len(self.recent))

    def add(self, time: int, text: int, disclosed: bool, followers: int, sign: int) -> None:
        """Add an entry, or take it back; `followers` as the fact has it."""
        entry = (time, text, disclosed, followers == 0)
        self.open[entry] = self.open.get(entry, 0) + sign
        self.undone |= sign < 0

    def follow(self, time: int, sign: int) -> None:
        """Add a follow made in the campaign's name, or take it back."""
        self.open_follows[time] = self.open_follows.get(time, 0) + sign
        self.undone |= sign < 0

    def counts(self) -> tuple[int, int]:
        """Return the entries that disclose what they are made for, and those that do not."""
        whole = self._settled(None)
        return whole.disclosed, whole.undisclosed

    def signals(self) -> list[Signal]:
        """Return what there is to be said."""
        whole = self._settled(None)
        found = []
        count, since, until = whole.burst
        if count >= BURST:
            found.append(Signal("burst", count, since, until, f"{count} entries within a minute"))
        text, count = max(whole.texts.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
        if count >= REPEATS:
            says = f"{count} entries with one text (hash {text:016x})"
            found.append(Signal("repeated_text", count, 0, 0, says))
        if whole.follows:
            says = f"{whole.follows} follows made in the campaign's name"
            found.append(Signal("follow_for_entry", whole.follows, 0, 0, says))
        if whole.without_followers:
            says = f"{whole.without_followers} entries by who had no follower at all"
            found.append(Signal("no_followers", whole.without_followers, 0, 0, says))
        return found

    def doubtful(self) -> tuple[str, ...]:
        """Return the names of signals that may have been said of what was undone."""
        return SIGNALS if self.undone else ()

    def settle(self, floor: int) -> None:
        """Make final what came before `floor`; nothing earlier must follow."""
        if any(entry[0] < floor for entry in self.open) or any(time < floor for time in self.open_follows):
            after = self._settled(floor)
            for name in self.__struct_fields__:
                setattr(self, name, getattr(after, name))

    def _settled(self, floor: int | None) -> Evidence:
        """Return this with all that came before `floor` (None: everything) settled; this stays as it is."""
        before = [
            (time, text, disclosed, alone, count)
            for (time, text, disclosed, alone), count in sorted(self.open.items())
            if floor is None or time < floor
        ]
        follows = {t: n for t, n in self.open_follows.items() if floor is None or t < floor}
        texts = Counter(self.texts)
        after = Evidence(
            {} if floor is None else {entry: n for entry, n in self.open.items() if entry[0] >= floor},
            {time: n for time, n in self.open_follows.items() if time not in follows},
            self.disclosed,
            self.undisclosed,
            self.without_followers,
            self.follows + sum(n for n in follows.values() if n > 0),
        )
        recent = list(self.recent)
        burst = self.burst
        for time, text, disclosed, alone, count in before:
            if count <= 0:
                continue
            after.disclosed += count * disclosed
            after.undisclosed += count * (not disclosed)
            after.without_followers += count * alone
            if text:
                texts[text] += count
            recent = [one for one in recent if one > time - MINUTE] + [time] * count
            if len(recent) > burst[0]:
                burst = (len(recent), recent[0], time)
            del recent[:-MAX_RECENT]
        after.texts = dict(texts.most_common(MAX_TEXTS))
        after.recent = tuple(recent)
        after.burst = burst
        return after
