"""State on disk is what a dict is, goes when nobody has it, and takes nothing over from a worker before."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.settings import SettingsError, load
from streams.campaigns.rulebook import Rulebook
from streams.engine.disk import DiskError, OnDisk, place
from streams.engine.store import write
from streams.topology import build

KEYS = st.binary(max_size=3)
VALUES = st.binary(min_size=1, max_size=20)
WRITES = st.dictionaries(KEYS, st.none() | VALUES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return place(tmp_path_factory.mktemp("state"))


@given(st.lists(WRITES | st.tuples(KEYS, st.none() | VALUES)))
def test_it_is_what_a_dict_is(
    folder: Path, steps: list[dict[bytes, bytes | None] | tuple[bytes, bytes | None]]
) -> None:
    state, known = OnDisk(folder, "table-0"), dict[bytes, bytes]()
    for step in steps:
        if isinstance(step, Mapping):
            state.write(step)
        for key, value in step.items() if isinstance(step, Mapping) else [step]:
            if value is not None:
                state[key] = known[key] = value
            elif isinstance(step, Mapping):
                known.pop(key, None)
            elif key in known:
                del state[key], known[key]
            else:
                with pytest.raises(KeyError):
                    del state[key]
    assert list(state) == sorted(known)
    assert dict(state.items()) == known
    assert len(state) == len(known)
    for key in (*known, b"not there"):
        assert state.get(key) == known.get(key)
        assert (key in state) == (key in known)
    with pytest.raises(KeyError):
        state[b"not there"]


def test_keys_do_not_change_under_who_goes_through_them(folder: Path) -> None:
    state = OnDisk(folder, "table-0")
    state.write({b"%d" % number: b"v" for number in range(5)})
    for number, key in enumerate(state):
        del state[key]
        state[b"new %d" % number] = b"v"
    assert list(state) == [b"new %d" % number for number in range(5)]


def test_more_than_memory_keeps_is_there(folder: Path) -> None:
    """More than is written before it is put on disk."""
    state = OnDisk(folder, "table-0")
    for start in range(0, 40_000, 1_000):
        state.write({b"%d" % number: b"%d" % number * 100 for number in range(start, start + 1_000)})
    assert all(state.get(b"%d" % number) == b"%d" % number * 100 for number in range(0, 40_000, 77))
    assert len(state) == 40_000


def test_it_goes_when_nobody_has_it(folder: Path) -> None:
    """Of a partition that was given up and came back there may be two for a while."""
    before = set(folder.iterdir())
    old, new = OnDisk(folder, "table-7"), OnDisk(folder, "table-7")
    old[b"key"] = b"old"
    assert b"key" not in new
    assert len(set(folder.iterdir()) - before) == 2
    del old, new
    gc.collect()
    assert set(folder.iterdir()) == before


def test_what_cannot_be_read_is_no_end(tmp_path: Path) -> None:
    """Going through damaged files stops, and not as if there were no more."""
    state, keys = OnDisk(place(tmp_path), "table-0"), [b"%06d" % number for number in range(12_000)]
    state.write({key: key * 100 for key in keys})
    state._rows.flush()
    for file in tmp_path.rglob("*.sst"):
        middle = file.stat().st_size // 2
        with file.open("r+b") as damaged:
            damaged.seek(middle)
            damaged.write(bytes(6_000))
    for go in (lambda: list(state), lambda: dict(state.items()), lambda: [state.get(key) for key in keys]):
        with pytest.raises(DiskError, match="mismatch"):
            go()


def test_it_goes_even_if_it_cannot_be_closed(folder: Path) -> None:
    """As on a full disk, where that makes room."""

    class Full:
        """A mock of a database on a disk that is full."""

        def close(self) -> None:
            raise OSError("no space left")

    before = set(folder.iterdir())
    state = OnDisk(folder, "table-0")
    state._rows.close()
    state._rows = Full()
    del state
    gc.collect()
    assert set(folder.iterdir()) == before


def test_folders_of_others_stay(tmp_path: Path) -> None:
    for name in ("archive", "juice-state-of-the-art"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").touch()
    (tmp_path / "juice-state-1.log").touch()
    place(tmp_path)
    assert all((tmp_path / name / "precious").exists() for name in ("archive", "juice-state-of-the-art"))
    assert (tmp_path / "juice-state-1.log").exists()


@pytest.mark.parametrize("on_disk", [False, True])
def test_a_setting_says_where_state_is(tmp_path: Path, on_disk: bool) -> None:
    settings = load({"JUICE_STATE": str(tmp_path)} if on_disk else {})
    app = build(settings, kafka="127.0.0.1:1", sources=2, rulebook=Rulebook())
    for stage in app.stages.values():
        state = stage.table.partition(1)
        assert isinstance(state, OnDisk) == on_disk
        write(stage.table.partition(1), {b"key": b"value", b"gone": b"value"})
        write(stage.table.partition(1), {b"gone": None, b"never": None})
        assert dict(state) == {b"key": b"value"}
    assert len(list(tmp_path.glob("*/*-1-*"))) == 3 * on_disk


HOLD = """
import sys
from pathlib import Path
from streams.engine.disk import OnDisk, place
from streams.engine.store import write
mine = place(Path(sys.argv[1]))
state = OnDisk(mine, "table-0")
state[b"key"] = b"value"
print(mine, flush=True)
sys.stdin.read()
"""


def test_what_a_worker_left_is_removed_but_not_what_one_has(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        mine = place(tmp_path)
        assert mine != theirs
        assert any(theirs.glob("table-0-*"))
        other.kill()
        other.wait()
    assert place(tmp_path) not in (mine, theirs)
    assert not theirs.exists()
    assert mine.exists()


def test_no_folder_for_state_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"JUICE_STATE: .*file is no folder for state: .*exists"):
        place(tmp_path / "file")
