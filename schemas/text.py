"""Hashtags, mentions and the account replied to in a text, as twitter-text finds them (docs/decisions/0002).

The patterns follow the published ones of twitter-text 3, by Unicode category instead of by code point tables,
so they do not age. What lies inside a link is neither a hashtag nor a mention.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

import regex

_LETTER: Final = r"\p{L}\p{M}"
_TAG: Final = _LETTER + (
    r"\p{Nd}_\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}\N{CYRILLIC KAVYKA}"
    r"\N{HEBREW PUNCTUATION MAQAF}\N{HEBREW PUNCTUATION GERESH}\N{HEBREW PUNCTUATION GERSHAYIM}"
    r"\N{FULLWIDTH TILDE}\N{WAVE DASH}\N{KATAKANA-HIRAGANA VOICED SOUND MARK}"
    r"\N{KATAKANA-HIRAGANA SEMI-VOICED SOUND MARK}\N{KATAKANA-HIRAGANA DOUBLE HYPHEN}\N{KATAKANA MIDDLE DOT}"
    r"\N{DITTO MARK}\N{TIBETAN MARK INTERSYLLABIC TSHEG}\N{TIBETAN MARK DELIMITER TSHEG BSTAR}\N{MIDDLE DOT}"
)
_ACCENTED: Final = (
    r"\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0253\u0254\u0256\u0257\u0259\u025b\u0263\u0268\u026f\u0272"
    r"\u0289\u028b\u02bb\u0300-\u036f\u1e00-\u1eff"
)
_DIRECTION: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"

# A tag has a letter somewhere. A variation selector may end an emoji before the sign or make one of it.
# The sign comes first in the pattern and what precedes it second, so that a search runs from sign to sign.
_HASHTAG: Final = regex.compile(
    rf"[#＃](?<=(?:^|[\ufe0e\ufe0f]|[^{_TAG}&]).)(?![\ufe0f\u20e3])(?<name>[{_TAG}]*[{_LETTER}][{_TAG}]*)"
)
# The same where all characters are ASCII: the standard library's engine takes 1.3 µs for a text with two tags, not 5.3.
_ASCII_HASHTAG: Final = re.compile(r"#(?<![A-Za-z0-9_&].)(?P<name>[0-9_]*[A-Za-z][A-Za-z0-9_]*)")
_AFTER_HASHTAG: Final = regex.compile(r"[#＃]|://")
# Of those the ones after white space, which lie in no link, all in one search: if every sign is one's, that is all, at a
# fifth of the price.
_APART_HASHTAG: Final = re.compile(r"#(?<!\S#)([0-9_]*+[A-Za-z][A-Za-z0-9_]*+)(?!#|://)")

_MENTION: Final = regex.compile(
    r"[@＠](?<=(?:^|[^a-zA-Z0-9_!#$%&*@＠]|(?:^|[^a-zA-Z0-9_+~.-])[rR][tT]:?).)"
    r"(?<name>[a-zA-Z0-9_]{1,20})(?<list>/[a-zA-Z][a-zA-Z0-9_-]{0,24})?"
)
_REPLY: Final = regex.compile(rf"[\s\u180e{_DIRECTION}]*[@＠](?<name>[a-zA-Z0-9_]{{1,20}})")
_AFTER_NAME: Final = regex.compile(rf"[@＠{_ACCENTED}]|://")

# Links as far as they matter here: which signs lie in one. Only a path or a query can hold a sign.
_PATH: Final = rf"a-zA-Z0-9\p{{Cyrillic}}{_ACCENTED}!*';:=+,.$/%#\[\]\-–_~@|&()?"
_LINK: Final = regex.compile(
    rf"(?<![a-zA-Z0-9@＠$#＃])(?:https?://[^\s\p{{P}}\p{{S}}][^\s/?#＃@＠]*|(?<![-_./])"
    rf"(?:[a-zA-Z0-9{_ACCENTED}][a-zA-Z0-9_{_ACCENTED}-]*+\.)+[a-zA-Z]{{2,}}(?::[0-9]+)?)[/?][{_PATH}]*+",
    regex.IGNORECASE,
)


def hashtags(text: str) -> tuple[str, ...]:
    """Return the hashtags of `text` without their sign, as written, in order.

    >>> hashtags("We ♥ #Juice, #été2012 and #1, see example.org/#top")
    ('Juice', 'été2012')
    """
    if "#" not in text and "＃" not in text:
        return ()
    if text.isascii():
        apart = _APART_HASHTAG.findall(text)
        if len(apart) == text.count("#"):
            return tuple(apart)
    return tuple(tag for tag, _ in hashtags_at(text))


def mentions(text: str) -> tuple[str, ...]:
    """Return the names of the accounts mentioned in `text`, as written, in order, repeated where repeated.

    >>> mentions("RT @ada: thanks @bob_2! (mail me: eve@example.org)")
    ('ada', 'bob_2')
    """
    if "@" not in text and "＠" not in text:
        return ()
    return tuple(name for name, _ in mentions_at(text))


def replied_to(text: str) -> str | None:
    """Return the account that `text` starts with, as a reply does, or None.

    >>> replied_to("@ada I agree"), replied_to("I agree with @ada")
    ('ada', None)
    """
    match = _REPLY.match(text)
    if match is None or _AFTER_NAME.match(text, match.end()):
        return None
    return str(match["name"])


def hashtags_at(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each hashtag and where it is with its sign: first code point, and the first one after it."""
    for match in _outside_links(_ASCII_HASHTAG if text.isascii() else _HASHTAG, text):
        if not _AFTER_HASHTAG.match(text, match.end()):
            yield match["name"], (match.start("name") - 1, match.end())


def mentions_at(text: str) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each mention and where it is with its sign; "@name/list", which means a list, is none."""
    for match in _outside_links(_MENTION, text):
        if match["list"] is None and not _AFTER_NAME.match(text, match.end()):
            yield match["name"], (match.start("name") - 1, match.end())


def _outside_links(
    pattern: regex.Pattern[str] | re.Pattern[str], text: str
) -> Iterator[regex.Match[str] | re.Match[str]]:
    """Yield the matches of `pattern` whose sign does not lie in a link."""
    links: list[tuple[int, int]] | None = None
    for match in pattern.finditer(text):
        sign = match.start("name") - 1
        if sign and not text[sign - 1].isspace():  # no link holds white space, and most texts need no search
            if links is None:
                links = [link.span() for link in _LINK.finditer(text)]
            before = bisect_right(links, (sign, len(text))) - 1
            if before >= 0 and sign < links[before][1]:
                continue
        yield match
