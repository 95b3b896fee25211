"""Settings come from JUICE_* variables alone, and what cannot be used is said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.settings import Settings, SettingsError, load, unknown


def test_durations_are_written_as_people_write_them() -> None:
    """500ms, 10s, 15m, 1h, 30d and plain seconds are milliseconds inside."""
    given = {
        "500ms": 500,
        "10s": 10_000,
        "15m": 900_000,
        "1h": 3_600_000,
        "30d": 2_592_000_000,
        "7": 7_000,
        "1.5h": 5_400_000,
    }
    assert {text: load({"JUICE_LATENESS": text}).lateness for text in given} == given


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("JUICE_LATENESS", "soon"),
        ("JUICE_PARTITIONS", "0"),
        ("JUICE_PARTITIONS", "four"),
        ("JUICE_CLICKHOUSE", "localhost:8123"),
        ("JUICE_CLICKHOUSE", "http://localhost:80a"),
        ("JUICE_CLICKHOUSE", "http://localhost:81230"),
        ("JUICE_DATABASE", "a b"),
        ("JUICE_LOG", "xml"),
        ("JUICE_WORKER_PORT", "70000"),
        ("JUICE_KAFKA", "me:s3cret@broker:9092"),
        ("JUICE_CLICKHOUSE", "https://me:s3cret@host:8443"),
        ("JUICE_KAFKA_CA", "/nowhere/ca.pem"),
        ("JUICE_CLICKHOUSE_CA", __file__),
    ],
)
def test_a_wrong_setting_is_one_line_with_its_name(variable: str, value: str) -> None:
    """The message names the variable, fits on one line, and does not repeat a value that may be secret."""
    with pytest.raises(SettingsError) as caught:
        load({variable: value})
    assert str(caught.value).startswith(f"{variable}: ")
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("missing", ["JUICE_KAFKA_USER", "JUICE_KAFKA_PASSWORD"])
def test_a_login_that_is_asked_for_must_be_there(missing: str) -> None:
    """With SASL, a missing user or password is said by its name before anything is tried."""
    given = {"JUICE_KAFKA_SECURITY": "SASL_SSL", "JUICE_KAFKA_USER": "u", "JUICE_KAFKA_PASSWORD": "p"}
    assert load(given).kafka_user == "u"
    with pytest.raises(SettingsError, match=f"^{missing}: needed where JUICE_KAFKA_SECURITY asks for a login"):
        load({name: value for name, value in given.items() if name != missing})


def test_a_secret_is_read_from_a_file_and_never_shown(tmp_path: Path) -> None:
    """JUICE_X_FILE gives the value of X; a secret appears neither in `shown` nor in a representation."""
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    found = load({"JUICE_CLICKHOUSE_PASSWORD_FILE": str(file)})
    assert found.clickhouse_password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(found) + str(found.shown()) + str(found)


def test_a_secret_file_that_is_missing_is_one_line(tmp_path: Path) -> None:
    """The variable and the file are named."""
    with pytest.raises(SettingsError, match=r"JUICE_KAFKA_PASSWORD_FILE: cannot read .*nowhere"):
        load({"JUICE_KAFKA_PASSWORD_FILE": str(tmp_path / "nowhere")})


def test_variables_that_nothing_reads_are_named() -> None:
    """A slip of the pen is found; known variables and foreign ones are not named."""
    assert unknown({"JUICE_LATENES": "1h", "JUICE_KAFKA": "x", "JUICE_KAFKA_PASSWORD_FILE": "y", "HOME": "z"}) == [
        "JUICE_LATENES"
    ]


def test_every_setting_is_described_or_named_for_what_it_is() -> None:
    """`juice config` shows every setting; the ones without a description are names of credentials and logs."""
    bare = {name for name, field in Settings.model_fields.items() if not field.description}
    assert bare == {
        "kafka_security",
        "kafka_mechanism",
        "kafka_user",
        "kafka_password",
        "clickhouse_user",
        "clickhouse_password",
        "log",
        "log_level",
    }
