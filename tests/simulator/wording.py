"""How they say it: words, tags, extras and times as they stand in JSON."""

from __future__ import annotations

from functools import lru_cache
from time import gmtime, strftime
from typing import Final

from tests.simulator.plan import MINUTE

WORDS: Final = (
    *("about", "again", "baker", "bread", "cannot", "coffee", "corner", "every", "garden", "going"),
    *("great", "here", "juice", "kitchen", "later", "light", "maybe", "morning", "music", "never"),
    *("open", "people", "quiet", "really", "river", "small", "street", "summer", "table", "thanks"),
    *(
        "caf\u00e9",
        "\\u00fcber",
        "\U0001f34b",
        "\u4e16\u754c",
        "\u2028",
        "\\\\o/",
        '\\"so\\"',
        "\\ud83e\\uddc3",
    ),
)
"""As they stand in JSON."""
TAGS: Final = (
    *("#juicecon", "#Juice", "#slowfood", "#kaffee", "#photo", "#\u00e9t\u00e92024", "#_7th"),
    *("#ad", "#Sponsored"),
)
ODDITIES: Final = (
    ',"lang":null,"urls":null,"actor_following":null',
    ',"x_trace":{"hops":[1,2,{"at":"\u00fc"}],"cost":-1.5e3}',
    ',"hashtags":[]',
    ',"hashtags":["#Juice","AD","juice"]',
    ',"urls":["https://example.org/?q=%23ad#ad"],"lang":"de"',
    ',"actor_following":0,"undo_of":""',
    '  , "lang" : "en",\n "urls" : [ ]\t',
)
"""What some producers say on top, legally."""
NETWORKS: Final = ("bluesky", "mastodon", "twitter")
CAMPAIGNS: Final = ("latte", "dubois", "photo-week", 'caf\u00e9 \\"one\\"')
INCENTIVES: Final = ("sweepstake", "reward", "paid", "none")


@lru_cache(maxsize=4096)
def _minute(minute: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:", gmtime(minute * 60))


def instant(time: int, style: float) -> str:
    """Return `time` (epoch ms) as JSON, in one of the forms that producers use, by `style` (0 to 1)."""
    if style < 0.3:
        return str(time)
    minute, ms = divmod(time, MINUTE)
    clock = f"{ms // 1000:02d}.{ms % 1000:03d}"
    if style < 0.9:
        return f'"{_minute(minute)}{clock}Z"'
    if style < 0.95:  # the third digit is the last that counts
        return f'"{_minute(minute + 330)}{clock}9997+05:30"'
    return f'"{_minute(minute - 480)}{clock}-08:00"'
