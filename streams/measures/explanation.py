"""An account's row in words: what its scores are made of, its ledger, and what was discounted and why.

Pure: a row of `account_scores` as a mapping in, lines out; nothing here knows a terminal or a browser.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from schemas.event import KINDS
from streams.measures.account.catalogue import ACCOUNT_SCORES

Row = Mapping[str, Any]

DOCS: Final = {column.name: column.doc for column in ACCOUNT_SCORES.columns}


class Part(NamedTuple):
    """What adds `points` to a score; `doc` says for what."""

    part: str
    points: float
    doc: str


class Line(NamedTuple):
    """Actions of a kind that an account received and gave; None where such a kind has none of that sort."""

    kind: str
    received: int | None
    earned: int | None
    incentivised: int | None
    given: int | None


def parts(row: Row, score: str) -> list[Part]:
    """Return the parts of `score`, which add up to it; the words are those of the columns.

    >>> [part.part for part in parts(dict.fromkeys(DOCS, 0.0), "outreach")]
    ['people', 'consistency', 'self promotion']
    """
    points = "points: "
    return [
        Part(name.removeprefix(f"{score}_").replace("_", " "), row[name], doc.removeprefix(points))
        for name, doc in DOCS.items()
        if name.startswith(f"{score}_") and doc.startswith(points)
    ]


def ledger(row: Row) -> list[Line]:
    """Return what went each way by kind, kinds without any left out.

    >>> line, = ledger({"received_like": 3, "received_like_earned": 2, "received_like_incentivised": 1})
    >>> line
    Line(kind='like', received=3, earned=2, incentivised=1, given=None)
    """
    lines = [
        Line(
            kind,
            row.get(f"received_{kind}"),
            row.get(f"received_{kind}_earned"),
            row.get(f"received_{kind}_incentivised"),
            row.get(f"given_{kind}"),
        )
        for kind in KINDS
    ]
    return [line for line in lines if line.received or line.given]


def remarks(row: Row) -> Iterator[str]:
    """Yield what a reader should know beside the numbers: discounts, and what looks odd, with its
    evidence."""
    if row["engagement_incentivised"]:
        yield (
            f"{row['engagement_incentivised']:,} of {row['engagement']:,} actions were made for something in return "
            f"and count a quarter; {row['engagement_undisclosed']:,} of them do not say so and count nothing."
        )
    if row["influence_answers"]:
        yield "Who was turned to first and then acted has answered: that counts half."
    if row["influence_doubt"] and not row["influence"]:
        yield "One person alone could have made all of it, so it is no influence yet."
    if row["bought_followers"]:
        yield (
            f"{row['follower_jump']:,} followers came in one day (z {row['follower_jump_z']:.0f}) while engagement "
            f"did not rise (z {row['follower_jump_engagement_z']:.1f}): they look bought."
        )
    if row["quid_pro_quo_people"]:
        yield f"Applause is traded within minutes, again and again, with {row['quid_pro_quo_people']:,} people."
    if row["outreach_self_promotion"]:
        yield f"{row['self_promotion_ratio'] or 0:.0%} of the window's posts promote the account itself."
    if row["cold_ask_share"] and row["cold_ask_share"] > COLD:
        yield f"{row['cold_ask_share']:.0%} of the people it asked it had never dealt with before."
    if row["people_error"]:
        yield "People are estimated from a sample; the error is one standard deviation."


COLD: Final = 0.5
"""Share of cold asks from which on it is remarked."""
