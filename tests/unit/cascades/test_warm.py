"""What is kept warm is bounded in bytes, and of what comes again and again the largest is there."""

from __future__ import annotations

from streams.subjects.warm import LEAST, MOST, PATIENCE, Warm


def kept(warm: Warm[str], sizes: dict[str, int]) -> set[str]:
    """Return whom a round of batches finds here; each is stored again."""
    found = set()
    for key, size in sizes.items():
        if warm.take(key, bytes(size)) == key:
            found.add(key)
        warm.keep(key, bytes(size), key)
    return found


def test_the_largest_that_fit_are_kept() -> None:
    """Round after round, also where more come than there is room for."""
    warm = Warm[str]()
    sizes = {"half": MOST // 2, "small": LEAST, "more": MOST // 2 - 1, "least": LEAST - 1}
    assert kept(warm, sizes) == set()
    assert kept(warm, sizes) == kept(warm, sizes) == {"half", "more"}


def test_some_of_equals_are_kept() -> None:
    """Whoever came first stays, rather than each pushing out the next."""
    warm = Warm[str]()
    sizes = {name: MOST // 2 + 1 - (name == "c") for name in "abcd"} | {"a": MOST // 2}
    kept(warm, sizes)
    rounds = [kept(warm, sizes) for _ in range(3)]
    assert all(rounds)
    equal = dict.fromkeys("xy", MOST)
    kept(warm, equal)
    assert kept(warm, equal) & kept(warm, equal)


def test_one_is_kept_however_large() -> None:
    """It is whom it helps most."""
    warm = Warm[str]()
    sizes = {"small": LEAST, "huge": 9 * MOST, "other": LEAST}
    assert kept(warm, sizes) == set()
    assert kept(warm, sizes) == {"huge"}


def test_who_rests_makes_room() -> None:
    """A large one that comes no more is not kept for ever."""
    warm = Warm[str]()
    kept(warm, {"rests": 9 * MOST})
    for _ in range(PATIENCE):
        assert kept(warm, {"small": LEAST}) == set()
    assert kept(warm, {"small": LEAST}) == set()
    assert kept(warm, {"small": LEAST}) == {"small"}
    assert warm.take("rests", bytes(9 * MOST)) is None
