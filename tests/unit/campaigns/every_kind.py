"""A rule of every kind, with and without caps, for tests that want them all at once."""

from __future__ import annotations

from typing import Final

from streams.campaigns.rule import Caps, Contest, Mayor, PostWithMedia, Referral, Rule, TagChain, Threshold
from streams.subject import DAY


def every_kind(start: int, tag: str = "juice") -> tuple[Rule, ...]:
    """Return rules that run for up to three days from `start` (ms) and take what carries `tag`."""
    end = start + 3 * DAY
    tags: Final = (tag,)
    few = Caps(per_account=2, per_account_day=1)
    return (
        Contest(id="contest", start=start, end=start + DAY, hashtags=tags),
        Contest(id="contest-capped", start=start, end=end, hashtags=tags, caps=few, winners=2),
        Mayor(id="mayor", start=start, end=end, venues=("*",), min_days=1, window_days=2),
        Threshold(id="threshold", start=start, end=end, hashtags=tags, followers=5),
        Threshold(id="threshold-capped", start=start, end=end, hashtags=tags, followers=5, caps=Caps(total=2)),
        PostWithMedia(id="photo", start=start, end=end, hashtags=tags, period="day"),
        PostWithMedia(id="photo-capped", start=start, end=end, hashtags=tags, period="day", caps=Caps(per_account=2)),
        Referral(id="referral", start=start, end=end, hashtags=tags),
        Referral(id="referral-capped", start=start, end=end, hashtags=tags, caps=few),
        TagChain(id="chain", start=start, end=end, hashtags=tags, memes=("p1",), tagged=1),
    )
