"""Every question of docs/queries.md finds an answer in real data, and quickly."""

from __future__ import annotations

from typing import Any

import pytest

from infra.database import Client, connect
from streams.operations.ranking import rank, save
from tests.conftest import Living
from tests.documents.questions import TRIVIAL, Question, ask, best, questions
from tests.observability.watchers import eventually

QUESTIONS = questions()
COSTLY = 60
"""A question may cost so many times what it costs to read the time of every event; most cost five times that."""


@pytest.fixture(scope="module")
def client(living: Living) -> Client:
    """Return the way to the installation, for which the batch that one question needs has run."""
    client = connect(living.here.settings)
    save(client, living.here.settings.database, rank(client, living.here.settings.database))
    return client


def test_the_page_asks_enough_and_says_how_to_read() -> None:
    """There are twenty questions and more, each in words, with one query and a line or two on reading its answer."""
    assert len(QUESTIONS) >= 20
    for question in QUESTIONS:
        assert question.words.endswith("?")
        assert question.sql.startswith("SELECT")
        assert 0 < len(question.reading.splitlines()) <= 3, question.words


def answers(living: Living, client: Client, number: int) -> list[dict[str, Any]]:
    """Return the rows that answer a question, by column."""
    (question,) = (each for each in QUESTIONS if each.words.startswith(f"{number}. "))
    found = client.query(question.sql.replace("juice.", f"{living.here.settings.database}."))
    return list(found.named_results())


def test_who_amplifies_is_counted_and_nobody_else(living: Living, client: Client) -> None:
    """Everybody who amplified did so once or more, and they are those of the events."""
    rows = answers(living, client, 5)
    assert min(row["per_person"] for row in rows) >= 1
    sql = (
        "SELECT uniqExact(actor) FROM {db}.events WHERE type = 'share' AND object_author = {who:String} "
        "AND actor != {who:String} AND time >= '2012-07-01' AND time < '2012-07-04'"
    )
    assert [(rows[0]["people"],)] == living.here.query(sql, who=rows[0]["account"])


def test_signs_of_gaming_are_those_of_the_campaign(living: Living, client: Client) -> None:
    """Each campaign has its own, and none has those of another."""
    found = {row["campaign"]: row["signals"] for row in answers(living, client, 16)}
    sql = "SELECT campaign, count() FROM {db}.campaign_signals WHERE campaign_signals.count > 0 GROUP BY campaign"
    known = dict(living.here.query(sql))
    assert any(known.values())
    assert found == {campaign: known.get(campaign, 0) for campaign in found}


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.words.split(".")[0]))
def test_a_question_is_answered_at_once(living: Living, client: Client, question: Question) -> None:
    """The answer is not empty, and costs the server little more than to look at every event once."""
    database = living.here.settings.database
    rows, _ = ask(client, database, question.sql)
    assert rows
    assert any(value not in (None, "", 0) for value in rows[0]), rows[0]

    def quick() -> bool:
        return best(client, database, question.sql) < COSTLY * best(client, database, TRIVIAL)

    eventually(quick, 60, f"{question.words} takes {best(client, database, question.sql) * 1000:.0f} ms")
