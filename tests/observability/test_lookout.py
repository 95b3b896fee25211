"""The lookout looks again whatever happens, and what nobody says any more is forgotten."""

from __future__ import annotations

from kafka import TopicPartition

from infra import telemetry
from infra.settings import load
from sinks.answers import QUESTIONS
from sinks.lag import Follower, lags
from sinks.lookout import Look, Lookout


def value(name: str, **labels: str) -> float | None:
    """Return what would be scraped."""
    return telemetry.REGISTRY.get_sample_value(name, labels)


def test_lag_counts_what_was_never_committed_from_the_beginning() -> None:
    """A partition without a commit waits as a whole; a commit beyond a shortened log is no negative lag."""
    committed = {"g": {TopicPartition("t", 0): 7, TopicPartition("t", 2): 9}}
    assert lags({"t": {0: 10, 1: 4, 2: 5}}, committed, [Follower("sink", "t", "g")]) == {
        ("sink", "t", 0): 3,
        ("sink", "t", 1): 4,
        ("sink", "t", 2): 0,
    }


def test_what_is_not_said_any_more_is_forgotten() -> None:
    """An answer replaces the one before it: a kind that is gone has no series, one that stays its new value."""
    telemetry.answered({"juice_campaign_entrants": {("contest",): 3, ("mayor",): 1}})
    telemetry.answered({"juice_campaign_entrants": {("contest",): 4}})
    assert value("juice_campaign_entrants", kind="contest") == 4
    assert value("juice_campaign_entrants", kind="mayor") is None


def test_a_look_that_fails_is_counted_and_comes_again() -> None:
    """An exception ends nothing; the next look in its time clears it; a look that never succeeded is old at once."""
    out = Lookout(load({}), "nowhere:1", lambda: None, [])  # type: ignore[arg-type,return-value]
    answers = iter([RuntimeError("away"), None])

    def do() -> None:
        if (answer := next(answers)) is not None:
            raise answer

    look = Look("people", 0.0, do)
    before = value("juice_look_failures_total", look="people") or 0
    out.once(look)
    assert look.failures == 1
    assert value("juice_look_failures_total", look="people") == before + 1
    assert value("juice_look_last_success_timestamp_seconds", look="trends") == 0
    out.once(look)
    assert look.failures == 0
    assert (value("juice_look_last_success_timestamp_seconds", look="people") or 0) > 1_700_000_000


def test_every_question_is_about_gauges_that_exist_and_no_gauge_is_without_a_question() -> None:
    """The questions and telemetry's ANSWERS name the same gauges, each once."""
    asked = [gauge for question in QUESTIONS for gauge in question.gauges]
    assert sorted(asked) == sorted(telemetry.ANSWERS)
