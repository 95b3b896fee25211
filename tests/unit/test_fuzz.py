"""Hostile records: the short form of `python -m tests.fuzz`, and that it would notice."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.decode import Reason, Rejected, decode
from streams.agents import ingest
from tests.fuzz.__main__ import main
from tests.fuzz.hostile import batch
from tests.fuzz.judge import judge
from tests.fuzz.trial import Wrong, trial


def test_twenty_thousand_hostile_records(capsys: pytest.CaptureFixture[str]) -> None:
    """None raises; each is accepted, a duplicate or a dead letter with a true reason; all kinds of outcome occur."""
    assert main(["--records", "20000", "--seed", "2"]) == 0
    said = capsys.readouterr().out
    assert "20,000 records" in said
    assert [word for word in ("accepted", "duplicate", *Reason) if word not in said] == []


def test_batches_are_the_same_every_time() -> None:
    """A batch can be repeated by its numbers alone, and differs from others."""
    assert batch(3, 1, 50) == batch(3, 1, 50)
    assert batch(3, 1, 50) != batch(3, 2, 50)


@pytest.mark.parametrize(
    "lie",
    [
        lambda raw: Rejected(Reason.INVALID, "wrong") if isinstance(decode(raw), Rejected) else decode(raw),
        lambda raw: decode(raw) if raw and b"text" in raw else Rejected(Reason.MALFORMED, "wrong"),
        lambda raw: decode((raw or b"")[:200]),
        lambda raw: Rejected(Reason.MALFORMED, "not\nprintable") if not raw else decode(raw),
    ],
)
def test_it_notices(lie: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that says a wrong reason, drops good events, reads half of them or talks nonsense is found out."""
    monkeypatch.setattr(ingest, "decode", lie)
    with pytest.raises(Wrong):
        trial(batch(1, 0, 500), 0)


def test_it_notices_a_crash(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An exception of a stage ends it with 1 and says how to repeat the batch."""

    def crash(raw: bytes | None) -> None:
        raise RecursionError

    monkeypatch.setattr(ingest, "decode", crash)
    assert main(["--records", "10"]) == 1
    assert "repeat it with python -m tests.fuzz --records 10 --seed 1 --only 0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "malformed"),
        (b'{"id":"a","type":"post","time":1,"actor":"b"}', ""),
        (b'{"id":"a","type":"post","time":1,"actor":"b","x":"\\ud800","x":1}', "malformed"),
        (b'{"id":"a","type":"post","time":1,"actor":"b","x":' + b"[" * 63 + b"]" * 63 + b"}", ""),
        (b'{"id":"a","type":"post","time":1,"actor":"b","x":' + b"[" * 64 + b"]" * 64 + b',"x":1}', "malformed"),
        (b'{"id":"a","type":"post","time":"2012-06-30T23:59:60Z","actor":"b"}', ""),
        (b'{"id":"a","type":"post","time":"2012-06-30T23:58:60Z","actor":"b"}', "invalid"),
        (b'{"id":"a","type":"post","time":' + b"9" * 9_999 + b',"actor":"b"}', "future"),
        (b'{"id":"a","type":"poke"}', "unknown_type"),
        (b" " * (1 << 20) + b"1", "too_large"),
    ],
)
def test_the_judge(raw: bytes | None, reason: str) -> None:
    """What must become of a record, by hand."""
    assert judge(raw).reason == reason
