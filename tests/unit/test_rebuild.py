"""What a rebuild asks of Kafka before it throws anything away."""

from __future__ import annotations

from typing import Any

import pytest
from kafka.errors import CoordinatorNotAvailableError, KafkaTimeoutError

from infra.settings import SettingsError
from streams.operations import rebuild


class Admin:
    """Answers what it is told to, one after the other."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    def describe_groups(self, groups: list[str]) -> dict[str, Any]:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return dict.fromkeys(groups, answer)

    def delete_groups(self, groups: list[str]) -> dict[str, Any]:
        return {group: self.answers.pop(0) for group in groups}


def test_a_group_that_does_not_exist_has_no_members() -> None:
    """Older brokers call it dead, newer ones say so; one that makes its first group is asked again."""
    missing = {"error": "[Error 69] GroupIdNotFoundError: none", "members": []}
    assert rebuild._members(Admin({"error": None, "members": []}), "g") == 0
    assert rebuild._members(Admin(missing), "g") == 0
    assert rebuild._members(Admin(CoordinatorNotAvailableError(), {"error": None, "members": [1, 2]}), "g") == 2


def test_who_works_is_known_or_nothing_is_done() -> None:
    """A time-out, or a broker that may not or cannot say, is not nobody."""
    with pytest.raises(KafkaTimeoutError):
        rebuild._members(Admin(KafkaTimeoutError()), "g")
    for error in ("[Error 30] GroupAuthorizationFailedError: ", "[Error 14] CoordinatorLoadInProgressError: "):
        with pytest.raises(SettingsError, match="does not say who works in g"):
            rebuild._members(Admin({"error": error, "members": []}), "g")


def test_a_group_that_came_to_life_meanwhile_is_not_deleted() -> None:
    """Kafka has the last word: it deletes no group with members, and then nothing else goes either."""
    rebuild._delete_groups(Admin("OK", "GroupIdNotFoundError"), ("a", "b"))
    with pytest.raises(SettingsError, match="stop all workers and sinks first"):
        rebuild._delete_groups(Admin("NonEmptyGroupError"), ("a",))
