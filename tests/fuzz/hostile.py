"""Hostile records: real events with their bytes broken, sentences of a grammar that knows the schema and breaks it, noise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from random import Random
from typing import Any, Final

from tests.world import read

APPENDED: Final = 1_341_388_800_000
"""When Kafka has every record, in epoch ms: 2012-07-04T08:00Z, the time of the events themselves."""
SPAN: Final = 12 * 60_000
"""Events happen up to so long before: less than the allowed lateness, so that what is late is so by a mutation."""
FILES: Final = ("higgs-july-1-3", "gowalla-10k", "dubois-contest", "seismic-cascade")
NAMES: Final = (
    *("id", "type", "time", "actor", "network", "actor_followers", "actor_following", "object", "object_author"),
    *("root", "parent", "targets", "text", "lang", "hashtags", "media", "urls", "venue", "campaign", "incentive"),
    *("disclosed", "promo", "undo_of"),
)
KINDS: Final = (
    *("post", "reply", "mention", "like", "share", "quote", "click", "recommend"),
    *("referral", "tag", "follow", "unfollow", "checkin", "undo"),
)
TOKENS: Final = (
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"\x00", b"\x1f", b"\x7f", b"\xff", b"\n", b"\x0c", b" ", b"'"),
    *(b"\xef\xbb\xbf", b"\xfe\xff", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf", b"\xfc\x80\x80\x80\x80\xaf"),
    *(b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf4\x90\x80\x80", b"\xc3", b"\x80", "\u2028\ufeff\u202e".encode()),
    *(b"\\ud800", b"\\udc00\\ud800", b"\\ud83d\\ude00", b"\\u0000", b"\\uD8", b"\\x41", b"\\/", b"/*x*/", b"//x\n"),
    *(
        b"NaN",
        b"-Infinity",
        b"Infinity",
        b"null",
        b"true",
        b"1e999",
        b"-0",
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"0x1F",
        b"1_0",
    ),
    *(
        b"9" * 30,
        b"-" + b"9" * 400,
        b"1e-999",
        b"18446744073709551616",
        b"-9223372036854775809",
        b'"id":1,',
        b"undefined",
    ),
)
"""What parsers stumble over: punctuation, bytes that are no UTF-8, halves of surrogate pairs, numbers that are none."""
INSTANTS: Final = (
    *(
        "2012-07-04T07:55:00Z",
        "2012-07-04t07:55:00.123456789z",
        "2012-07-04 07:55:00+0000",
        "2012-07-04T09:55:60+02:00",
    ),
    *("2012-06-30T23:59:60Z", "2012-06-30T23:59:60.9999Z", "1969-12-31T23:59:59.999Z", "0000-01-01T00:00:00Z"),
    *("9999-12-31T23:59:59.9999999-23:59", "2105-12-31T23:59:59.9999999Z", "0001-01-01T00:00:00+23:59"),
    *("2012-02-30T00:00:00Z", "2012-07-04T24:00:00Z", "2012-07-04T07:55:00", "2012-07-04", "2012-07-04T07:55Z"),
    *("2012-07-04T07:55:00+24:00", "2012-07-04T07:55:00−01:00", "٢٠١٢-07-04T07:55:00Z", "2012-W27-3T07:55:00Z"),
    *("2012-07-04T07:55:00.Z", "2012-07-04T07:55:00,5Z", "2012-7-4T7:55:00Z", "20120704T075500Z", "now", "", "0", "Z"),
    *("2012-07-04T07:55:00Z ", "2012-07-04T07:55:00Z\u0000", "2012-07-04T07:54:59.9999999Z", "1970-01-01T00:00:00.0Z"),
)
INTEGERS: Final = (
    "0",
    "-1",
    "-0",
    "1",
    str(10**12),
    str(10**12 + 1),
    str(1 << 63),
    str(1 << 64),
    "-" + "9" * 40,
    "9" * 5_000,
)
TIMES: Final = (
    str(APPENDED),
    str(APPENDED + 300_000),
    str(APPENDED + 300_001),
    "4291747199999",
    "4291747200000",
    *INTEGERS,
)
ODD: Final = (
    "",
    "a",
    "é",
    "\x00",
    "🙂",
    "\u202e",
    "ß" * 512,
    "🙂" * 512,
    "x" * 513,
    "#juice",
    "@ada",
    "../../etc",
    "' OR 1=1 --",
)


@lru_cache
def real() -> tuple[dict[str, Any], ...]:
    """Return a few thousand real events."""
    return tuple(event for name in FILES for event in read(name, 0, 500))


def records(rng: Random, count: int) -> Iterator[bytes | None]:
    """Yield `count` records: half of them near to an event, a few of them good, some come twice, one in a while is huge."""
    seen: list[bytes | None] = []
    for number in range(count):
        roll = rng.random()
        if roll < 0.05 and seen:
            yield rng.choice(seen)
            continue
        make = next(make for below, make in MAKERS if roll < below)
        record = make(rng, number)
        if record is None or len(record) < 5_000:
            seen.append(record)
        yield record


def event(rng: Random, number: int) -> dict[str, Any]:
    """Return a real event of about now, under an id of its own more often than not."""
    said = dict(rng.choice(real()))
    said |= {"id": f"f{number if rng.random() < 0.9 else rng.randrange(50)}", "time": APPENDED - rng.randrange(SPAN)}
    if rng.random() < 0.1:
        said |= {"type": "undo", "undo_of": f"f{rng.randrange(number + 1)}"}
    return said


def good(rng: Random, number: int) -> bytes:
    """Return an event that is right, written in one of the ways there are."""
    said = json.dumps(event(rng, number), ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, None, 1))).encode()
    return rng.choice((b"", b" \r\n")) + said + rng.choice((b"", b"\n\t "))


def broken(rng: Random, number: int) -> bytes:
    """Return a real event some of whose bytes are flipped, gone, moved, said twice, or not its own."""
    said = json.dumps(event(rng, number), ensure_ascii=False).encode()
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        said = rng.choice(BREAKS)(rng, said)
    return said


def _flip(rng: Random, said: bytes) -> bytes:
    at = rng.randrange(len(said) or 1)
    return said[:at] + bytes([said[at] ^ 1 << rng.randrange(8)]) + said[at + 1 :] if said else said


def _two(rng: Random, said: bytes) -> tuple[int, int]:
    one, other = sorted((rng.randint(0, len(said)), rng.randint(0, len(said))))
    return (one, other) if rng.random() < 0.3 else (one, min(other, one + 6))


def _cut(rng: Random, said: bytes) -> bytes:
    one, other = _two(rng, said)
    return said[:one] + said[other:]


def _end(rng: Random, said: bytes) -> bytes:
    return said[: rng.randint(0, len(said))]


def _again(rng: Random, said: bytes) -> bytes:
    one, other = _two(rng, said)
    return said[:other] + said[one:]


def _move(rng: Random, said: bytes) -> bytes:
    one, other = _two(rng, said)
    at = rng.randint(0, one)
    return said[:at] + said[one:other] + said[at:one] + said[other:]


def _put(rng: Random, said: bytes) -> bytes:
    at = rng.randint(0, len(said))
    return said[:at] + rng.choice(TOKENS) + said[at + rng.randrange(2) :]


def _noise(rng: Random, said: bytes) -> bytes:
    one, other = _two(rng, said)
    return said[:one] + rng.randbytes(rng.randrange(9)) + said[other:]


def _splice(rng: Random, said: bytes) -> bytes:
    other = json.dumps(rng.choice(real())).encode()
    return said[: rng.randint(0, len(said))] + other[rng.randint(0, len(other)) :]


BREAKS: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    *(_flip, _flip, _cut, _end, _again, _move, _put, _put, _noise, _splice),
)


def swapped(rng: Random, number: int) -> bytes:
    """Return a real event with fields said twice, swapped, or of another type, some of them in escapes."""
    fields = [(_key(rng, name), json.dumps(value)) for name, value in event(rng, number).items()]
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        name = rng.choice(NAMES) if rng.random() < 0.9 else rng.choice(ODD)
        value = field(rng, name) if rng.random() < 0.5 else value_of(rng, rng.randrange(4))
        fields.insert(rng.randint(0, len(fields)), (_key(rng, name), value))
    if rng.random() < 0.2:
        rng.shuffle(fields)
    if rng.random() < 0.1:
        fields.pop(rng.randrange(len(fields)))
    blank = rng.choice(("", " ", "\n", "\t\r "))
    text = "{" + ",".join(f"{blank}{key}{blank}:{blank}{value}" for key, value in fields) + blank + "}"
    return text.encode("utf-8", "surrogatepass")


def _key(rng: Random, name: str) -> str:
    """Return a name as a string of JSON, now and then all in escapes."""
    if rng.random() < 0.05:
        return '"' + "".join(f"\\u{ord(c):04x}" if ord(c) < 0x10000 else json.dumps(c)[1:-1] for c in name) + '"'
    return json.dumps(name, ensure_ascii=rng.random() < 0.5)


def field(rng: Random, name: str) -> str:
    """Return JSON for a field of the schema that is of its type, or only just not."""
    if name == "time":
        return rng.choice(TIMES) if rng.random() < 0.5 else json.dumps(rng.choice(INSTANTS))
    if name in ("actor_followers", "actor_following"):
        return rng.choice((*INTEGERS, "1.0", "1e3", "-0.0", "1E+400", '"1"'))
    if name in ("targets", "hashtags", "media", "urls"):
        size = rng.choice((0, 1, 2, 3, 255, 256, 257, 1_000, 1_001))
        item = (
            {"media": '"photo"', "urls": json.dumps("u" * rng.choice((1, 4_096, 4_097)))}.get(name)
            if size < 9
            else None
        )
        items = [item or f'"{name[0]}{n}"' for n in range(size)]
        if items and rng.random() < 0.2:
            items[rng.randrange(size)] = rng.choice(("1", "null", '""', "[]", '"x" "y"'))
        return "[" + ",".join(items) + "]"
    if name == "type":
        return json.dumps(rng.choice((*KINDS, "poke", "LIKE", "post ", "p\u00f6st")))
    if name == "incentive":
        return json.dumps(rng.choice(("none", "sweepstake", "reward", "paid", "love", "")))
    if name in ("disclosed", "promo"):
        return rng.choice(("true", "false", "0", '"true"', "True"))
    if name == "text":
        text = rng.choice((*ODD, "x" * 65_536, "🙂" * 65_536, "x" * 65_537)) if rng.random() < 0.05 else rng.choice(ODD)
        return json.dumps(text, ensure_ascii=False)
    return json.dumps(rng.choice(ODD), ensure_ascii=rng.random() < 0.5)


def value_of(rng: Random, depth: int) -> str:
    """Return any JSON, and in one case of many what only looks like it."""
    roll = rng.random()
    if depth and roll < 0.25:
        return "[" + ",".join(value_of(rng, depth - 1) for _ in range(rng.randrange(4))) + "]"
    if depth and roll < 0.5:
        return (
            "{"
            + ",".join(f"{_key(rng, rng.choice(ODD))}:{value_of(rng, depth - 1)}" for _ in range(rng.randrange(4)))
            + "}"
        )
    if roll < 0.55:
        deep = rng.choice((61, 62, 63, 64, 65, 500))
        return rng.choice(("[" * deep + "]" * deep, '{"a":' * deep + "1" + "}" * deep, "[{" * deep))
    if roll < 0.62:
        return rng.choice(TOKENS).decode("latin-1")
    if roll < 0.7:
        return rng.choice(INTEGERS)
    if roll < 0.75:
        return repr(rng.choice((0.1, 1e308, 5e-324, -1e22, rng.random() * 10 ** rng.randrange(-30, 30))))
    return rng.choice(
        ("null", "true", "false", "[]", "{}", '""', '"\\ud800"', '"\\ud83d\\ude00"', '"\\u0000"', "1", '"[{"')
    )


def sentence(rng: Random, number: int) -> bytes:
    """Return any JSON as a whole record, or what only looks like it."""
    return value_of(rng, rng.randrange(6)).encode("utf-8", "surrogatepass")


def noise(rng: Random, number: int) -> bytes:
    """Return bytes at random, of all values or of those that JSON is made of."""
    size = rng.choice((1, 2, 8, 60, 400))
    if rng.random() < 0.5:
        return rng.randbytes(size)
    return bytes(rng.choices(b'{}[],:"\\ \n0123456789.eE+-truefalsnidyp', k=size))


def nothing(rng: Random, number: int) -> bytes | None:
    """Return a tombstone, an empty record, or one of the tokens alone."""
    return rng.choice((None, b"", *TOKENS))


def huge(rng: Random, number: int) -> bytes:
    """Return a record around the largest size that is read, of one kind or another."""
    said = json.dumps(event(rng, number)).encode()[:-1]
    size = (1 << 20) - len(said) + rng.choice((-12, -9, -8, -7, -6, 0, 1_000))
    return rng.choice(
        (
            said + b',"x":"' + b"x" * size + b'"}',
            said + b',"x":[' + b"0," * (size // 2 - 4) + b"0]}",
            said + b',"x":' + b"9" * (size - 2) + b"}",
            said + b',"targets":[' + b'"t",' * (size // 4 - 4) + b'"t"]}',
            said + b',"x":' + b"[" * (size // 2) + b"]" * (size // 2),
            b'{"k":1,' * (size // 7),
            said + b"}" + b" " * size,
        )
    )


MAKERS: Final[tuple[tuple[float, Callable[[Random, int], bytes | None]], ...]] = (
    (0.20, good),
    (0.55, broken),
    (0.85, swapped),
    (0.92, sentence),
    (0.98, noise),
    (0.9995, nothing),
    (1.0, huge),
)
"""Makers by the share of records up to which they are asked."""


def batch(seed: int, number: int, count: int) -> list[bytes | None]:
    """Return the records of one batch, the same for the same numbers."""
    return list(islice(records(Random(f"{seed}:{number}"), count), count))
