"""All settings, read once from `JUICE_*` environment variables (`JUICE_*_FILE` names a file that holds the value).

The environment is read here and nowhere else. A setting that cannot be used is one clear line and exit 2.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX: Final = "JUICE_"
_UNITS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class SettingsError(Exception):
    """A setting that cannot be used; the message is one line for the user."""


def _duration(value: object) -> object:
    """Read `15m`, `1h`, `30d`, `500ms` or a number of seconds as milliseconds."""
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?\s*", value)
        if match is None:
            raise ValueError("write a duration as 500ms, 10s, 15m, 1h or 30d")
        return int(float(match[1]) * _UNITS[match[2] or "s"])
    return value


Millis = Annotated[int, BeforeValidator(_duration), Field(ge=0)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class Settings(BaseSettings):
    """Every setting of every juice command, with its default."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    # Where things are
    home: Path = Field(Path(".juice"), description="folder of the local stack")
    kafka: str = Field("", description="bootstrap servers, host:port[,…]; default: the local stack, if one runs")
    clickhouse: str = Field("", description="http(s)://host:port; default: the local stack, if one runs")
    database: str = Field("juice", description="ClickHouse database", pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    namespace: str = Field(
        "",
        description="prefix of topics and groups, for two products on one broker",
        pattern=r"^[A-Za-z0-9._-]*$",
    )

    # Who we are
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = "SCRAM-SHA-512"
    kafka_user: str = Field("", validate_default=True)
    kafka_password: SecretStr = Field(SecretStr(""), validate_default=True)
    kafka_ca: Path | None = Field(None, description="certificate authority of the brokers, PEM")
    clickhouse_user: str = "default"
    clickhouse_password: SecretStr = SecretStr("")
    clickhouse_ca: Path | None = Field(None, description="certificate authority of ClickHouse, PEM")

    # What counts
    lateness: Millis = Field(15 * 60_000, description="how far behind its partition's newest event one may be")
    horizon: Millis = Field(
        3_600_000, ge=60_000, description="how far apart duplicates, and an undo and its event, may be"
    )
    future: Millis = Field(5 * 60_000, description="how far ahead of its Kafka append time an event may be")
    cascade_silence: Millis = Field(7 * 86_400_000, ge=60_000, description="a cascade that rests so long has ended")
    campaigns: Path | None = Field(None, description="file or folder of campaign rules (TOML)")
    subjects: str = Field(
        "", description="what is kept: accounts,ties,cascades,tags,mayors,campaigns,entrants or ledger,…; default: all"
    )

    # How it runs
    partitions: int = Field(4, ge=1, le=1024, description="partitions of the internal topics; fixed at first migrate")
    replication: int = Field(1, ge=1, le=7, description="replicas of the topics that migrate creates")
    idle: Millis = Field(5_000, ge=1_000, description="after this much silence a caught-up partition holds nobody back")
    session_timeout: Millis = Field(10_000, description="a worker silent for this long has lost its partitions")
    recovery_deadline: Millis = Field(300_000, description="recovery that takes longer ends the worker")
    stall_deadline: Millis = Field(60_000, description="no progress for this long while input waits ends the worker")
    state: Path | None = Field(None, description="folder for state that need not fit into memory; default: in memory")
    pin: bool = Field(True, description="a worker keeps to one core while there is room on it")
    sink_rows: int = Field(100_000, ge=1, description="rows per insert at load")
    sink_interval: Millis = Field(150, description="longest wait for more rows before an insert")
    ttl: Millis = Field(0, description="age at which ClickHouse rows expire; 0 keeps them for ever")

    # What people see
    metrics_host: str = Field("127.0.0.1", description="address of the telemetry and health endpoints")
    worker_port: Port = Field(9641, description="telemetry of the worker; 0 takes a free one")
    sink_port: Port = Field(9642, description="telemetry of the sink; 0 takes a free one")
    serve_port: Port = Field(8642, description="the web page")
    log: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    crash_at: str = Field("", description="named crash point, for tests of recovery only")

    @field_validator("kafka", "clickhouse")
    @classmethod
    def _without_login(cls, value: str) -> str:
        if "@" in value:  # addresses are logged
            raise ValueError("an address holds no login: use _USER and _PASSWORD_FILE")
        return value

    @field_validator("clickhouse")
    @classmethod
    def _url(cls, value: str) -> str:
        try:
            good = not value or (re.match(r"^https?://[^/]+", value) and urlsplit(value).port != 0)
        except ValueError:  # of the port
            good = False
        if not good:
            raise ValueError("write it as http://host:port")
        return value.rstrip("/")

    @field_validator("kafka_user", "kafka_password")
    @classmethod
    def _login(cls, value: Any, info: ValidationInfo) -> Any:
        if not value and str(info.data.get("kafka_security")).startswith("SASL"):
            raise ValueError("needed where JUICE_KAFKA_SECURITY asks for a login")
        return value

    @field_validator("kafka_ca", "clickhouse_ca")
    @classmethod
    def _readable(cls, value: Path | None) -> Path | None:
        if value is not None:
            try:
                ssl.create_default_context(cafile=value)
            except OSError as error:  # SSLError is one
                raise ValueError(f"no certificates can be read from {value} ({error.__class__.__name__})") from None
        return value

    @property
    def chosen(self) -> tuple[str, ...]:
        """Return the names in `subjects`; none stands for all."""
        return tuple(name.strip() for name in self.subjects.split(",") if name.strip())

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read from what `load` passes, which is the environment it was given."""
        return (init_settings,)

    def shown(self) -> dict[str, str]:
        """Return every setting as text, secrets hidden."""
        return {
            name: ("********" if value.get_secret_value() else "")
            if isinstance(value, SecretStr)
            else ""
            if value is None
            else str(value)
            for name, value in self
        }


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of `environ` (the process's own by default); raise SettingsError with one line."""
    environ = os.environ if environ is None else environ
    given: dict[str, str] = {}
    for name in Settings.model_fields:
        variable = PREFIX + name.upper()
        if path := environ.get(variable + "_FILE"):
            try:
                given[name] = Path(path).read_text().rstrip("\n")
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{variable}_FILE: cannot read {path}: {error.__class__.__name__}") from None
        elif variable in environ:
            given[name] = environ[variable]
    try:
        return Settings(**given)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        variable = PREFIX + str(first["loc"][0]).upper()
        raise SettingsError(f"{variable}: {first['msg'].removeprefix('Value error, ')}") from None


def unknown(environ: Mapping[str, str] | None = None) -> list[str]:
    """Return the `JUICE_*` variables that no setting reads: most likely a slip of the pen."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    environ = os.environ if environ is None else environ
    return sorted(v for v in environ if v.startswith(PREFIX) and v.removesuffix("_FILE") not in known)
