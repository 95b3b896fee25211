"""An account's row in words: the statements of its scores, its ledger, and what was discounted and why.

Pure: a row of `account_scores` as a mapping in, lines out; nothing here knows a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from streams.measures.account import influence, outreach

Row = Mapping[str, Any]


class Line(NamedTuple):
    """One line: what it says, and its number as text ("" for a heading or a remark)."""

    says: str
    number: str = ""


def explain(row: Row) -> list[Line]:
    """Return the lines that explain `row`, which must have all columns.

    >>> from streams.measures.account.catalogue import ACCOUNT_SCORES, standing_columns, window_columns
    >>> from streams.measures.account.views import account, window
    >>> measured = [value for [value] in window_columns(window()) + standing_columns(account(now=0))]
    >>> explain(dict(zip(ACCOUNT_SCORES.names, ["ada", "30d", 0, *measured])))[0]
    Line(says='Influence', number='0.0')
    """
    return [
        *_statement("Influence", row["influence"], influence.PARTS, row),
        *_statement("Outreach", row["outreach"], outreach.PARTS, row),
        *_ledger(row),
        *map(Line, remarks(row)),
    ]


def _statement(name: str, score: float, parts: tuple[tuple[str, str], ...], row: Row) -> Iterator[Line]:
    yield Line(name, f"{score:.1f}")
    for column, says in parts:
        if row[column]:
            yield Line(f"  {says}", f"{row[column]:+.1f}")


_LEDGER: Final = (
    ("Received", "engagement", "people", "people_error"),
    ("Given", "given", "given_people", "given_people_error"),
)


def _ledger(row: Row) -> Iterator[Line]:
    for name, actions, people, error in _LEDGER:
        near = f" (± {row[error]:.0f})" if row[error] else ""
        yield Line(f"{name}, from or to {row[people]:,}{near} people", f"{row[actions]:,}")
        prefix = "received" if actions == "engagement" else "given"
        for column, number in row.items():
            kind = column.removeprefix(f"{prefix}_")
            if kind in _KINDS and column != kind and number:
                yield Line(f"  {kind}", f"{number:,}")
    yield Line("Balance, given less received", f"{row['balance']:+,}")


_KINDS: Final = frozenset(["reply", "mention", "like", "share", "quote", "click", "recommend", "referral", "tag"])


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
