"""Who has won a contest: counted over all its entrants, however many, and however the count is cut and interrupted."""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.fact import POST, Fact
from schemas.wire import UNHEARD, Decoded, Erasure, Routed, encode
from streams.agents.accumulate import Accumulate
from streams.agents.routing import partition_of
from streams.campaigns import board
from streams.campaigns.board import Count
from streams.campaigns.rule import Contest
from streams.campaigns.rulebook import Rulebook
from streams.campaigns.tally import Score
from streams.engine.outbox import Send
from streams.engine.progress import FENCE, PROGRESS
from streams.engine.stage import Effects
from streams.names import Names
from streams.subject import DAY, HOUR, MINUTE
from streams.subjects.campaigns import Campaigns
from streams.subjects.entrants import Entrants
from tests.pipe import Pipe, Record, feed
from tests.unit.campaigns.drive import LAG, undone

CROWD = int(os.environ.get("CROWD", "15000"))
"""Entrants of the largest contest that is tried."""
CONTEST = Contest(id="c", start=DAY, end=11 * DAY, hashtags=("juice",), winners=5, prize="a bottle")
STAND_IN = "forgotten-1"
Winners = list[tuple[int, str]]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40),
    st.integers(1, 6),
    st.integers(1, 50),
    st.sets(st.integers(0, 40), max_size=4),
)
def test_any_pieces(scores: list[tuple[int, int]], places: int, piece: int, out: set[int]) -> None:
    """However it is cut, the count names the best by points, time and name, without the disqualified and the pointless."""
    names = [f"a{number:02d}" for number in range(len(scores))]
    disqualified = {f"a{number:02d}" for number in out}
    count = Count(1, [name.encode() for name in names])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(board, "PIECE", piece)
        while (
            found := count.go_on(places, disqualified, lambda key: Score(*scores[int(key[1:])]), bytes.decode)
        ) is None:
            pass
    ranks = sorted((-points, at, name) for name, (points, at) in zip(names, scores, strict=True) if points)
    assert found == [name for _, _, name in ranks if name not in disqualified][:places]


class Stage:
    """The last stage alone, on one partition: what is durable, and the rewards it says."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.table: dict[bytes, bytes] = {}
        self.offset = 0
        self.rewards: dict[str, dict[str, Any]] = {}
        self.largest = 0
        self.start()

    def start(self) -> None:
        """Start a worker on what is durable."""
        self.body = Accumulate(
            names=Names(), partitions=1, subjects=(Campaigns(self.rulebook), Entrants(self.rulebook))
        )
        self.body.restore(0, self.table, self.offset, self.table.get(PROGRESS, b"")[FENCE.size :])

    def take(self, facts: list[Fact], time: int, floor: int, rng: random.Random | None = None) -> None:
        """Take in a record, sometimes with a death half way through its writes, after which it comes again."""
        begin = self.offset
        message = Routed(0, begin, begin + 1, time, floor, tuple((begin, self._keys(fact), fact) for fact in facts))
        self._record(message, rng)

    def _record(self, message: Routed, rng: random.Random | None) -> None:
        record = Record(self.offset, 0, None, encode(message))
        while not self._apply(self.body.process(0, [record], False), record.offset + 1, rng):
            self.start()

    def forget(self, account: str, rng: random.Random | None = None) -> None:
        """Take in that an account is erased."""
        message = Routed(0, self.offset, self.offset, UNHEARD, UNHEARD, (), (Erasure(account, STAND_IN),))
        self._record(message, rng)

    def rest(self, rng: random.Random | None = None, turns: int = 1_000_000) -> None:
        """Do what is left, or some of it."""
        while turns and (effects := self.body.idle(0, 0, self.offset, False)) is not None:
            turns -= 1
            if not self._apply(effects, self.offset, rng):
                self.start()

    def _keys(self, fact: Fact) -> tuple[str, ...]:
        return tuple(s.code + key for s in self.body.subjects.values() for key in s.keys(fact))

    def send(self, effects: Effects) -> None:
        """Tell the outside of the rewards among them."""
        for send in effects.sends:
            if send.topic == self.body.names.rewards:
                said = msgspec.json.decode(send.value or b"")
                self.rewards[said["id"]] = said

    def _apply(self, effects: Effects, offset: int, rng: random.Random | None) -> bool:
        self.send(effects)
        lost = rng is not None and rng.random() < 0.05
        for key, value in effects.writes.items():
            if lost and rng is not None and rng.random() < 0.01:
                return False
            if value is None:
                self.table.pop(key, None)
            else:
                self.largest = max(self.largest, len(value))
                self.table[key] = value
        if lost:
            return False
        self.table[PROGRESS] = FENCE.pack(offset) + effects.kept
        self.offset = offset
        return True

    def won(self) -> Winners:
        """Return place and account of the rewards that stand."""
        return sorted((int(s["which"]), s["account"]) for s in self.rewards.values() if s["revoked_at"] is None)


def crowd(rng: random.Random, entrants: int) -> Iterator[tuple[Fact, bool]]:
    """Yield posts of so many accounts in order of arrival, and whether each is taken back later.

    Everybody posts once; some again, the same or something else; few post often, and so many the same number of times
    that places are decided by time. All within the contest; arrivals are up to an hour out of order.
    """
    often = [f"fan{number:02d}" for number in range(30)]
    names = [f"guest{number}" for number in range(entrants - len(often))]
    rng.shuffle(names)
    names += rng.choices(names, k=entrants // 5)
    for number, name in enumerate(names):
        at = CONTEST.start + (number * 9 * DAY) // len(names) + rng.randrange(HOUR)
        yield post(name, at, f"{name}-{rng.randrange(2)}"), rng.random() < 0.05
        if rng.random() < 400 / len(names):
            fan = rng.choice(often)
            yield post(fan, at, f"{fan}-{rng.randrange(15)}"), rng.random() < 0.2


def post(name: str, at: int, thing: str) -> Fact:
    """Return a post with the tag."""
    return Fact(id=f"{name}-{at}-{thing}", kind=POST, time=at, actor=name, object=thing, tags=("juice",))


def recount(posts: list[Fact], rule: Contest = CONTEST) -> Winners:
    """Return who wins by posts that stand, from the definition."""
    firsts: dict[str, dict[str, int]] = defaultdict(dict)
    for one in posts:
        firsts[one.actor][one.object] = min(one.time, firsts[one.actor].get(one.object, one.time))
    ranks = [(-len(things), max(things.values()), name) for name, things in firsts.items()]
    names = [name for _, _, name in sorted(ranks) if name not in rule.disqualified]
    return list(enumerate(names[: rule.winners], start=1))


@pytest.mark.parametrize("deadly", [False, True])
def test_a_crowd(deadly: bool) -> None:
    """The winners among so many are those of a full count, whatever was late or undone and whenever the worker died."""
    rng = random.Random(7)
    death = random.Random(8) if deadly else None
    book = Rulebook([CONTEST])
    stage = Stage(book)
    stand: list[Fact] = []
    batch: list[Fact] = []
    time = floor = 0
    for fact, taken_back in crowd(rng, CROWD):
        batch += [fact, undone(fact)] if taken_back else [fact]
        if not taken_back:
            stand.append(fact)
        time = max(time, fact.time)
        if len(batch) >= 1_000:
            rng.shuffle(batch)
            floor = max(floor, time - LAG - HOUR)
            stage.take(batch, time, floor, death)
            batch = []
    stage.take(batch, time, floor, death)
    assert stage.rewards == {}
    stage.take([], CONTEST.end + LAG, CONTEST.end - MINUTE, death)
    stage.rest(death)
    assert stage.rewards == {}
    stage.take([], CONTEST.end + LAG, CONTEST.end, death)
    stage.rest(death)
    expected = recount(stand)
    assert stage.won() == expected
    first, second = expected[0][1], expected[1][1]
    changed = msgspec.structs.replace(CONTEST, disqualified={first: "bought posts", second: "the same person"})
    book.replace([changed])
    stage.body.rules_changed()
    stage.rest(death)
    assert stage.won() == recount(stand, changed)
    assert {s["reason"] for s in stage.rewards.values() if s["account"] in (first, second)} == {"disqualified"}
    book.replace([CONTEST])
    stage.body.rules_changed()
    stage.rest(death)
    assert stage.won() == expected
    assert stage.largest < 5_000
    for later in (31, 32):
        stage.take([], CONTEST.end + later * DAY, CONTEST.end + later * DAY, death)
        stage.rest(death)
    assert set(stage.table) == {PROGRESS}
    assert stage.won() == expected


def test_a_long_silence_after_a_contest() -> None:
    """Where the floor comes to the end of a contest and long beyond at once, its entrants stay until they are counted."""
    stage = Stage(Rulebook([CONTEST]))
    posts = [post(f"guest{number}", CONTEST.start + number, str(number)) for number in range(5_000)]
    posts += [post("guest9", CONTEST.start + 10_000, "more")]
    stage.take(posts, CONTEST.start + DAY, 0)
    stage.take([], CONTEST.end + 90 * DAY, CONTEST.end + 90 * DAY)
    stage.rest()
    assert stage.won() == recount(posts)
    stage.take([], CONTEST.end + 91 * DAY, CONTEST.end + 91 * DAY)
    stage.rest()
    assert set(stage.table) == {PROGRESS}
    assert stage.won() == recount(posts)


@pytest.mark.parametrize("deadly", [False, True])
@pytest.mark.parametrize("when", ["before the end", "during the count", "when they are named"])
@pytest.mark.parametrize("forgotten", [0, 2, 70])
def test_a_forgotten_entrant_keeps_its_place(
    when: str, forgotten: int, deadly: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever somebody is forgotten, a stand-in has the place, nobody else's changes, and each place is one reward."""
    monkeypatch.setattr(board, "PIECE", 7)
    death = random.Random(9) if deadly else None
    posts = [post(f"guest{n:02d}", CONTEST.start + n, f"{n}-{m}") for n in range(90) for m in range(91 - n)]
    book = Rulebook([CONTEST])
    stage = Stage(book)
    stage.take(posts, CONTEST.start + DAY, 0, death)
    if when == "before the end":
        stage.forget(f"guest{forgotten:02d}", death)
    stage.take([], CONTEST.end + LAG, CONTEST.end, death)
    if when == "during the count":
        stage.rest(death, turns=5)
        stage.forget(f"guest{forgotten:02d}", death)
    stage.rest(death)
    if when == "when they are named":
        stage.forget(f"guest{forgotten:02d}", death)
        stage.rest(death)

    def expected(rule: Contest) -> Winners:
        names = {f"guest{forgotten:02d}": STAND_IN}
        return [(place, names.get(who, who)) for place, who in recount(posts, rule)]

    assert stage.won() == expected(CONTEST)
    changed = msgspec.structs.replace(CONTEST, disqualified={"guest01": "bought posts"})
    for rule in (changed, CONTEST):
        book.replace([rule])
        stage.body.rules_changed()
        stage.rest(death)
        assert stage.won() == expected(rule)
    assert f"guest{forgotten:02d}".encode() not in b"".join(stage.table) + b"".join(stage.table.values())
    stage.take([], CONTEST.end + 31 * DAY, CONTEST.end + 31 * DAY, death)
    stage.rest(death)
    stage.take([], CONTEST.end + 32 * DAY, CONTEST.end + 32 * DAY, death)
    stage.rest(death)
    assert set(stage.table) == {PROGRESS}


def test_who_is_disqualified_does_not_win_by_being_forgotten() -> None:
    """Whether before the count or after it, the stand-in of an account that the rules keep out takes no place."""
    rule = msgspec.structs.replace(CONTEST, disqualified={"cheat": "bought posts"})
    posts = [post("cheat", CONTEST.start + n, f"c{n}") for n in range(5)] + [post("ann", CONTEST.start + 100, "a")]
    for after in (False, True):
        book = Rulebook([rule])
        stage = Stage(book)
        stage.take(posts, CONTEST.start + DAY, 0)
        if not after:
            stage.forget("cheat")
        stage.take([], CONTEST.end + LAG, CONTEST.end)
        stage.rest()
        if after:
            stage.forget("cheat")
        stage.rest()
        book.replace([msgspec.structs.replace(rule, disqualified=rule.disqualified | {"else": "the same person"})])
        stage.body.rules_changed()
        stage.rest()
        assert stage.won() == [(1, "ann")]


def forgotten_on_the_way(told: str, partitions: int, seed: int = 0, crash_rate: float = 0.0) -> Winners:
    """Return who wins where ann has 10 points, and somebody with 12, the last 4 by way of the last partition of accept.

    That one is forgotten. `told`: whether all partitions of accept hear of it behind the 12, the last one later than the
    others, which do behind 8, or all together with the last posts.
    """
    book = Rulebook([CONTEST])
    pipe = Pipe(
        sources=1, partitions=partitions, subjects=lambda: (Campaigns(book), Entrants(book)), rng=random.Random(seed)
    )

    def posts(name: str, numbers: Iterable[int]) -> None:
        feed(pipe, [(0, record(f"{name}{n}", CONTEST.start + n, name, f"{name}{n}")) for n in numbers])

    def forget(of: int) -> None:
        request = encode(Decoded(0, 0, 0, UNHEARD, UNHEARD, erasures=(Erasure("person", STAND_IN),)))
        pipe._append(Send(pipe.names.decoded, of, None, request))

    posts("ann", range(10))
    posts("person", range(8))
    pipe.run()
    if told == "apart":
        forget(0)
        pipe.run()
    posts("person", [n for n in range(10, 99) if partition_of(f"person{n}", partitions) == partitions - 1][:4])
    if told == "together":
        while pipe._step(50, only=("ingest", None)):
            pass
    else:
        pipe.run()
    for partition in range(int(told == "apart"), partitions):
        forget(partition)
    pipe.crash_rate = crash_rate
    pipe.run()
    pipe.crash_rate = 0
    for day in (2, 3):
        feed(pipe, [(0, record(f"z{day}", CONTEST.end + day * DAY, "zed", ""))])
        pipe.run()
    return sorted((int(row["which"]), row["account"]) for row in pipe.rows("rewards").values() if not row["reason"])


def test_a_stand_in_has_all_the_points_however_partitions_hear_of_it() -> None:
    """It takes the first place, also where one partition of accept still lets posts through, or a worker dies meanwhile."""
    expected = [(1, STAND_IN), (2, "ann")]
    assert forgotten_on_the_way("at the same moment", 2) == expected
    assert forgotten_on_the_way("apart", 2) == expected
    for seed in range(60):
        assert forgotten_on_the_way("together", 1, seed, 0.03) == expected, seed


@pytest.mark.parametrize(
    "change",
    [{"disqualified": {"guest0": "bought posts"}}, {"winners": 1}, {"winners": 7}],
    ids=["disqualified", "fewer places", "more places"],
)
def test_rules_change_while_a_worker_is_dead(change: dict[str, Any]) -> None:
    """Who was named before a worker died, and is not by the rules it is started with, loses the reward."""
    posts = [post(f"guest{n}", CONTEST.start + 100 - n, f"{n}-{m}") for n in range(9) for m in range(9 - n)]
    for turns in range(6):
        book = Rulebook([CONTEST])
        stage = Stage(book)
        stage.take(posts, CONTEST.start + DAY, 0)
        over = Record(stage.offset, 0, None, encode(Routed(0, 1, 1, CONTEST.end + LAG, CONTEST.end)))
        effects: Effects | None = stage.body.process(0, [over], False)
        if turns:
            assert effects is not None
            stage._apply(effects, over.offset + 1, None)
            stage.rest(turns=turns - 1)
            effects = stage.body.idle(0, 0, stage.offset, False)
        if effects is not None:
            stage.send(effects)  # and dies before anything of it is written
        changed = msgspec.structs.replace(CONTEST, **change)
        book.replace([changed])
        stage.start()
        stage.body.rules_changed()
        if not turns:
            stage.take([], CONTEST.end + LAG, CONTEST.end)
        stage.rest()
        assert stage.won() == recount(posts, changed)


def through(records: list[tuple[int, bytes]], seed: int, crash_rate: float, times: int = 1) -> Pipe:
    """Return a pipe through which the records have gone, so many times, and some days."""
    book = Rulebook([CONTEST])
    pipe = Pipe(subjects=lambda: (Campaigns(book), Entrants(book)), rng=random.Random(seed))
    pipe.crash_rate = crash_rate
    later = [(source, record(f"l{source}", CONTEST.end + DAY, "zoe", "")) for source in range(pipe.sources)]
    for some in (*[records] * times, later):
        feed(pipe, some)
        pipe.run(largest=500)
    return pipe


def record(id: str, at: int, actor: str, thing: str, **more: str) -> bytes:
    """Return an event: a post with the tag if it is of anything."""
    said = {"id": id, "type": "post", "time": at, "actor": actor, "object": thing, **more}
    return msgspec.json.encode(said | ({"hashtags": ["juice"]} if thing else {}))


def test_the_same_log_has_the_same_winners() -> None:
    """From the topic on, with what is too late, undone and sent twice: cut and killed differently, or all of it replayed,
    the winners are the same, are those of a count of the accepted events, and each has one reward.
    """
    rng = random.Random(3)
    records: list[tuple[int, bytes]] = []
    for number in range(3_000):
        at = CONTEST.start + number * 4 * MINUTE - rng.choice((0, 0, 0, 10, 40)) * MINUTE
        actor = f"guest{number}" if rng.random() < 0.9 else f"fan{rng.randrange(8)}"
        source = number % 3
        records.append((source, record(f"e{number}", at, actor, f"t{rng.randrange(900)}")))
        if rng.random() < 0.05:
            records.append(records[-1])
        if rng.random() < 0.1:
            records.append((source, record(f"u{number}", at + MINUTE, actor, "", type="undo", undo_of=f"e{number}")))
    pipes = [through(records, 1, 0.0), through(records, 2, 0.0002), through(records, 3, 0.0, times=2)]
    accepted = list(pipes[0].rows("events").values())
    gone = {row["undo_of"] for row in accepted if row["undo_of"]}
    stand = [
        post(row["actor"], row["time"], row["object"])
        for row in accepted
        if row["type"] == "post"
        and row["object"]
        and row["id"] not in gone
        and CONTEST.start <= row["time"] < CONTEST.end
    ]
    assert 1_500 < len(stand) < len(accepted) < len(records)
    for pipe in pipes:
        rewards = pipe.rows("rewards").values()
        assert sorted((int(row["which"]), row["account"]) for row in rewards) == recount(stand)
        assert all(row["revoked_at"] is None for row in rewards)
    assert pipes[0].rows("rewards") == pipes[1].rows("rewards") == pipes[2].rows("rewards")
