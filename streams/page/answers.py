"""What the page's endpoints answer: a function for each, from what a reader asked to plain values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from infra.clock import wall
from streams.campaigns import queries as campaigns
from streams.measures.explanation import ledger, parts
from streams.page import queries, shapes
from streams.page.source import Ask, Row
from streams.tables import ALL_TABLES

Asked = Mapping[str, str]
"""Parameters of a request, as text."""

DRAWN: Final = 300
"""Nodes of a cascade that are drawn: more can neither be told apart nor read out."""
READ: Final = 20_000
"""Shares of a cascade that are read, to draw its growth."""
POINTS: Final = 60
NAME: Final = 1_024
"""Longest name that is looked for, in characters."""


class Absent(Exception):
    """Nothing is known of what was asked for."""


class Page:
    """The answers, from one database."""

    def __init__(self, database: str, ask: Ask) -> None:
        """`ask` returns the rows of a question."""
        self._db, self._ask = database, ask
        self.routes: dict[str, Callable[[Asked], Any]] = {
            "windows": self.windows,
            "leaderboard": self.leaderboard,
            "account": self.account,
            "cascades": self.cascades,
            "cascade": self.cascade,
            "trends": self.trends,
            "campaigns": self.campaigns,
            "campaign": self.campaign,
            "concentration": self.concentration,
            "pipeline": self.pipeline,
        }

    def windows(self, _: Asked) -> list[Row]:
        """Return the windows, shortest first, with the accounts in each."""
        order = list(queries.WINDOWS)
        rows = self._ask(queries.windows(self._db))
        return sorted((r for r in rows if r["window"] in order), key=lambda r: order.index(r["window"]))

    def leaderboard(self, asked: Asked) -> list[Row]:
        """Return the first accounts of a board in a window."""
        board = _one_of(asked, "board", queries.BOARDS, "influence")
        return self._ask(queries.leaderboard(self._db, board, _window(asked), _limit(asked)))

    def account(self, asked: Asked) -> Row:
        """Return an account's statement over a window, its history, and its cascades."""
        name, window = _name(asked, "id"), _window(asked)
        found = {row["window"]: row for row in self._ask(queries.account(self._db, name))}
        if not found:
            raise Absent(f"nothing is known of account {name!r}")
        scores = found.get(window)
        return {
            "account": name,
            "window": window,
            "windows": [w for w in queries.WINDOWS if w in found],
            "scores": scores,
            "statement": {
                score: [part._asdict() for part in parts(scores, score)] for score in ("influence", "outreach")
            }
            if scores
            else {},
            "ledger": [line._asdict() for line in ledger(scores or {}) if line.earned is not None],
            "history": shapes.filled(
                self._ask(queries.history(self._db, name, window)),
                until=max(row["as_of"] for row in found.values()),
                seconds=queries.WINDOWS[window],
                step=queries.STEPS[window],
            ),
            "cascades": self._ask(queries.cascades(self._db, "largest", 10, author=name)),
        }

    def cascades(self, asked: Asked) -> list[Row]:
        """Return cascades: rising, largest or latest."""
        order = _one_of(asked, "order", queries.ORDERS, "rising")
        return self._ask(queries.cascades(self._db, order, _limit(asked)))

    def cascade(self, asked: Asked) -> Row:
        """Return a cascade, its tree, and how it grew beside what was forecast."""
        root, kind = _name(asked, "root"), _one_of(asked, "kind", ("share", "tag"), "share")
        found = self._ask(queries.cascade(self._db, root, kind))
        if not found:
            raise Absent(f"nothing is known of a cascade of {root!r}")
        ask = queries.shares if kind == "share" else queries.taggings
        rows, about = self._ask(ask(self._db, root, READ)), found[0]
        growth = shapes.growth(
            rows,
            started=about["started_at"],
            until=about["as_of"] if about["growing"] else about["last_at"],
            author_followers=about["author_followers"],
            points=POINTS,
        )
        return {
            "cascade": about,
            "tree": shapes.nested(root, about["author"], rows, DRAWN),
            "drawn": min(len(rows), DRAWN),
            "read": len(rows),
            "growth": growth,
        }

    def trends(self, asked: Asked) -> Row:
        """Return what rises, the hashtags of a window, and how those on top went."""
        window = _window(asked)
        tags = self._ask(queries.tags(self._db, window, 20))
        top = [row["tag"] for row in tags[:5]]
        return {
            "trends": self._ask(queries.trends(self._db, 30)),
            "tags": tags,
            "history": self._ask(queries.tag_history(self._db, window, top)) if top else [],
            "step": queries.STEPS[window],
        }

    def campaigns(self, _: Asked) -> list[Row]:
        """Return all campaigns."""
        return self._ask(campaigns.campaigns(self._db))

    def campaign(self, asked: Asked) -> Row:
        """Return standings, honesty, what carried it further, rewards and signals of one campaign."""
        name = _name(asked, "id")
        found = [row for row in self._ask(campaigns.campaigns(self._db)) if row["campaign"] == name]
        if not found:
            raise Absent(f"nobody has entered a campaign {name!r}")
        return {
            "campaign": found[0],
            "standings": self._ask(campaigns.standings(self._db, name, _limit(asked))),
            "amplification": self._ask(campaigns.amplification(self._db, name)),
            "signals": self._ask(campaigns.signals(self._db, name))[:20],
            "rewards": self._ask(campaigns.rewards(self._db, name))[:50],
        }

    def concentration(self, asked: Asked) -> Row:
        """Return how unequal attention is in a window, and was day by day."""
        return {
            "measures": self._ask(queries.concentration(self._db, _window(asked))),
            "daily": self._ask(queries.concentration_daily(self._db, 90)),
        }

    def pipeline(self, _: Asked) -> Row:
        """Return the health of the way into ClickHouse."""
        docs = {table.store: (table.name, table.doc) for table in ALL_TABLES.values()}
        tables = [
            {**row, "table": docs[row["table"]][0], "doc": docs[row["table"]][1]}
            for row in self._ask(queries.stores(self._db))
            if row["table"] in docs
        ]
        newest = self._ask(queries.newest(self._db))
        return {
            "now": round(wall(), 3),
            "newest": newest[0] if newest else None,
            "conservation": self._ask(queries.conservation(self._db)),
            "dead_letters": self._ask(queries.dead_letters(self._db)),
            "tables": tables,
        }


def _window(asked: Asked) -> str:
    return _one_of(asked, "window", queries.WINDOWS, "24h")


def _one_of(asked: Asked, name: str, known: Iterable[str], otherwise: str) -> str:
    value = asked.get(name, otherwise)
    if value not in known:
        raise ValueError(f"{name}: one of {', '.join(known)}")
    return value


def _limit(asked: Asked) -> int:
    value = asked.get("limit", "20")
    if not (value.isascii() and value.isdigit() and len(value) < 4 and 1 <= int(value) <= 100):
        raise ValueError("limit: 1 to 100")
    return int(value)


def _name(asked: Asked, name: str) -> str:
    value = asked.get(name, "")
    if not 1 <= len(value) <= NAME:
        raise ValueError(f"{name}: 1 to {NAME} characters")
    return value
