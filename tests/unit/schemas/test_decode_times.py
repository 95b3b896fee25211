"""When an event happened, in every way of saying it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decode import MAX_TIME, Reason, Rejected, decode
from tests.unit.schemas.records import accepted, record, refused

NOON = int(datetime(2012, 7, 4, 12, tzinfo=UTC).timestamp()) * 1000


@pytest.mark.parametrize(
    ("said", "ms"),
    [
        (NOON, NOON),
        (0, 0),
        (MAX_TIME, MAX_TIME),
        ("1970-01-01T00:00:00Z", 0),
        ("2105-12-31T23:59:59.999Z", MAX_TIME),
        ("2012-07-04T12:00:00Z", NOON),
        ("2012-07-04t12:00:00z", NOON),
        ("2012-07-04 12:00:00Z", NOON),
        ("2012-07-04T12:00:00-00:00", NOON),
        ("2012-07-04T17:30:00+05:30", NOON),
        ("2012-07-04T17:30:00+0530", NOON),
        ("2012-07-03T22:00:00-14:00", NOON),
        ("2012-07-04T12:00:00.1Z", NOON + 100),
        ("2012-07-04T12:00:00.001Z", NOON + 1),
        ("2012-07-04T12:00:00.0009999999Z", NOON),
        ("2012-07-04T11:59:59.9999999Z", NOON - 1),
        ("2012-07-04T11:59:59.999999999999999999999999999999Z", NOON - 1),
        ("2012-07-04T12:00:00.1239995+00:00", NOON + 123),
        ("2012-07-04T12:00:00.123000000Z", NOON + 123),
        ("2012-06-30T23:59:60Z", 1_341_100_800_000),
        ("2012-07-01T05:29:60.5+05:30", 1_341_100_800_500),
        ("1969-12-31T23:30:00-01:00", 1_800_000),
    ],
)
def test_times(said: str | int, ms: int) -> None:
    """A time is RFC 3339 with an offset or integer epoch ms; what is finer than a millisecond is cut off."""
    assert accepted(record(time=said))[1] == ms
    assert accepted(record(time=said, lang=None))[1] == ms


@pytest.mark.parametrize(
    "said",
    [
        "2012-07-04T12:00:00",
        "2012-07-04",
        "2012-07-04T12:00Z",
        "2012-07-04T12:00:00 Z",
        "2012-07-04T12:00:00,5Z",
        "2012-07-04T12:00:00.Z",
        "2012-07-04T24:00:00Z",
        "2012-07-04T12:60:00Z",
        "2012-07-04T12:00:60Z",
        "2012-07-04T12:00:00+24:00",
        "2012-07-04T12:00:00+05",
        "2012-02-30T12:00:00Z",
        "2012-13-01T12:00:00Z",
        "20120704T120000Z",
        "12012-07-04T12:00:00Z",
        "-2012-07-04T12:00:00Z",
        "２０１２-07-04T12:00:00Z",
        "2012-07-04T12:00:00Z\x00",
        " 2012-07-04T12:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00+00:01",
        -1,
        -(10**30),
    ],
)
def test_no_times(said: str | int) -> None:
    """A time without offset, of another form, of no calendar or before 1970 makes the event invalid."""
    result = refused(record(time=said))
    assert result.reason is Reason.INVALID
    assert result.detail.startswith("`time`: ")


@pytest.mark.parametrize(
    "said",
    [
        "2106-01-01T00:00:00Z",
        "2105-12-31T23:59:59-00:01",
        "9999-12-31T23:59:59.9999999-23:59",
        MAX_TIME + 1,
        2**63,
        2**64,
        10**400,
    ],
)
def test_after_all_times(said: str | int) -> None:
    """A time after 2105 is in the future, whatever the clock says."""
    assert refused(record(time=said)).reason is Reason.FUTURE


@given(
    moment=st.datetimes(),
    offset=st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes))),
    digits=st.text("0123459", max_size=12) | st.just("999") | st.just("9999999"),
)
def test_times_as_datetime_has_them(moment: datetime, offset: timezone, digits: str) -> None:
    """The time is what Python's datetime says of the same instant, cut to milliseconds."""
    whole = moment.replace(microsecond=0, tzinfo=offset)
    said = whole.isoformat()
    if digits:
        said = f"{said[:19]}.{digits}{said[19:]}"
    ms = (whole - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) + int(f"{digits:0<3}"[:3])
    result = decode(record(time=said))
    if ms < 0:
        assert result == Rejected(Reason.INVALID, "`time`: before 1970")
    elif ms > MAX_TIME:
        assert isinstance(result, Rejected)
        assert result.reason is Reason.FUTURE
    else:
        assert not isinstance(result, Rejected)
        assert result[1] == ms
