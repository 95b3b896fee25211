"""Reloading rules while the stream runs."""

from __future__ import annotations

from pathlib import Path

from streams.campaigns.rulebook import Rulebook
from streams.campaigns.watch import Watch

RULE = """
[[campaign]]
id = "{id}"
kind = "contest"
start = 2024-05-01T00:00:00Z
end = 2024-06-01T00:00:00Z
"""


def test_reload(tmp_path: Path) -> None:
    """A change puts the new rules in force; a change for the worse keeps the old and says why, once."""
    file = tmp_path / "rules.toml"
    file.write_text(RULE.format(id="one"))
    book = Rulebook()
    watch = Watch(file, book)
    assert watch.poll() == (1, [])
    assert watch.poll() is None
    file.write_text(RULE.format(id="one") + RULE.format(id="two"))
    assert watch.poll() == (2, [])
    assert list(book.rules) == ["one", "two"]
    file.write_text(RULE.format(id="one") + 'kind = "mayor"')
    changed = watch.poll()
    assert changed is not None
    assert [problem.line for problem in changed.problems] == [7]
    assert list(book.rules) == ["one", "two"]
    assert watch.poll() is None
    file.unlink()
    gone = watch.poll()
    assert gone is not None
    assert "cannot be read" in gone.problems[0].says
    assert list(book.rules) == ["one", "two"]


def test_folder(tmp_path: Path) -> None:
    """A file that is added to a folder or removed from it is a change."""
    (tmp_path / "a.toml").write_text(RULE.format(id="a"))
    book = Rulebook()
    watch = Watch(tmp_path, book)
    assert watch.poll() == (1, [])
    (tmp_path / "b.toml").write_text(RULE.format(id="b"))
    assert watch.poll() == (2, [])
    (tmp_path / "a.toml").unlink()
    assert watch.poll() == (1, [])
    assert list(book.rules) == ["b"]
