"""Each file of a suite for parsers of JSON, and each naughty string, goes through the stages and is accounted for."""

from __future__ import annotations

import json

import pytest

from schemas.decode import Reason, Rejected, decode
from tests.fuzz.hostile import APPENDED
from tests.fuzz.judge import judge
from tests.fuzz.trial import trial
from tests.parsing.suite import NOT_TEXT, files
from tests.unit.schemas.records import naughty

READ = {
    *("i_number_double_huge_neg_exp", "i_number_huge_exp", "i_number_neg_int_huge_exp", "i_number_pos_double_huge_exp"),
    *("i_number_real_neg_overflow", "i_number_real_pos_overflow", "i_number_real_underflow"),
    *("i_number_too_big_neg_int", "i_number_too_big_pos_int", "i_number_very_big_negative_int"),
}
"""Of what a parser may accept or refuse, what is JSON to us: numbers of any size, in fields that we do not know."""


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the files by name."""
    return files(tmp_path_factory.mktemp("suite"))


def reason(raw: bytes) -> str:
    """Return why a record is refused, nothing if it is not."""
    said = decode(raw)
    return said.reason.value if isinstance(said, Rejected) else ""


def inside(raw: bytes, name: str) -> bytes:
    """Return an event with one more field, which the schema does not know and whose value is these bytes."""
    return b'{"id":"%s","type":"post","time":%d,"actor":"ada","x":%s}' % (name.encode(), APPENDED, raw)


def test_the_suite_is_whole(suite: dict[str, bytes]) -> None:
    """There are as many files of each kind as the suite has, and ours among them."""
    kinds = [name[:2] for name in suite]
    assert [kinds.count(kind) for kind in ("y_", "n_", "i_")] == [95, 188, 35]
    assert suite.keys() > NOT_TEXT.keys()


def test_files_as_records(suite: dict[str, bytes]) -> None:
    """What is JSON is refused for what it says, what is not JSON for that; of what may be either, big numbers are JSON."""
    for name, raw in suite.items():
        said = reason(raw)
        if name.startswith("y_") or name in READ:
            assert said == Reason.INVALID, name
        elif name.startswith(("n_", "i_")):
            assert said == Reason.MALFORMED, name


def test_files_as_values(suite: dict[str, bytes]) -> None:
    """As the value of a field that nobody knows, what is JSON does not matter, and what is not makes the whole no JSON."""
    for name, raw in suite.items():
        said = reason(inside(raw, "e"))
        if name.startswith("y_") or name in READ:
            assert said == "", name
        elif name.startswith(("n_", "i_")):
            assert said == Reason.MALFORMED, name


def test_every_file_through_the_stages(suite: dict[str, bytes]) -> None:
    """None makes a stage fail, each is accounted for, with its own bytes and a reason that another reader agrees with."""
    records: list[bytes | None] = [*suite.values(), *(inside(raw, name) for name, raw in suite.items())]
    became = trial(records, 1)
    assert became["read"] == len(records) == 2 * len(suite)
    assert became["accepted"] == sum(not judge(record).reason for record in records)


def test_every_naughty_string_through_the_stages() -> None:
    """As a record it is accounted for; in every field where a string may be, it makes an event that is kept as it was said."""
    strings = naughty()
    names = ("id", "actor", "object", "object_author", "root", "parent", "network", "lang", "venue", "campaign", "text")
    lists = ("targets", "hashtags", "urls")
    events = [
        {
            "type": kind,
            "time": APPENDED,
            **dict.fromkeys(names, string),
            **{name: [string] for name in lists},
            "id": name,
        }
        for number, string in enumerate(filter(None, strings))
        for kind, name in (("share", f"{number} {string}"[:512]), ("tag", f"{string} {number}"[-512:]))
    ]
    said = [json.dumps(event, ensure_ascii=number % 2 == 0).encode() for number, event in enumerate(events)]
    became = trial([*said, *(string.encode() for string in strings)], 1)
    assert became["read"] == len(said) + len(strings)
    assert became["accepted"] == len(said)
