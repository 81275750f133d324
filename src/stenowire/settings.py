"""Every setting of the server, where it comes from, and how to show it.

An explicit argument wins over an environment variable `STENOWIRE_*`, that over the TOML file, that over the default.
Input: arguments, environment, file. Output: one frozen `Settings`, or `BadSettings` that names the setting at fault.
"""

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from stenowire.types import NoiseReduction

PREFIX = "STENOWIRE_"
MASK = "********"

HOST_PATTERN = re.compile(r"\*|(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""Linux control group v2: "<quota> <period>" in microseconds, or "max <period>"."""


class BadSettings(ValueError):
    """A setting that cannot be used. The text is one line per setting, fit for a terminal."""


def cores() -> int:
    """Processors that this process may really use: its affinity, or less where a container gives it a smaller share."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
        return max(1, min(allowed, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return allowed


class Settings(BaseSettings):
    """What `stenowire serve` obeys. Build it with `Settings.load`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(8090, ge=0, le=65_535)
    """0 lets the system choose a free one."""
    data: Path = Field(default_factory=lambda: user_data_path("stenowire"))
    """Folder for keys and, unless `models` says otherwise, models."""
    models: Path | None = None
    """Folder for models; None is `models` inside `data`."""
    api_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()
    """Each key is its own tenant. Without any, one key is made at first start. Keys of the store are good besides."""
    store: SecretStr | None = None
    """URL of the database of keys, tenants, vocabularies and usage; None is `store.db` inside `data`."""
    pepper: SecretStr | None = Field(None, min_length=32)
    """What stored keys are hashed with; None is the file `pepper` inside `data`, made at first start."""
    redis: SecretStr | None = None
    """URL of the Redis that counts quotas for all processes; None is each process for itself."""
    quotas_without_redis: Literal["refuse", "local"] = "refuse"
    """While Redis is away: refuse new sessions of tenants with limits, or have each process count for itself."""
    keep_usage: bool = True
    """Write down what each key uses on each day: sessions, requests, seconds of audio."""
    tenant_tasks_per_s: int = Field(0, ge=0, le=100_000)
    """New sessions of one tenant within any second; 0 is no limit, here and below. Each tenant may have its own."""
    tenant_streams: int = Field(0, ge=0, le=1_000_000)
    """Sessions of one tenant at once."""
    tenant_audio_s_per_day: int = Field(0, ge=0, le=1_000_000_000)
    """Audio of one tenant in a day of UTC."""

    https: bool = False
    """Serve other machines over HTTPS, with a certificate that this one signs itself; `host` is then every
    address unless it is given."""
    cert: Path | None = None
    """A certificate of one's own, in PEM: HTTPS with that."""
    cert_key: Path | None = None
    """Its key; None where both are in one file."""

    workers: int = Field(default_factory=cores, ge=1, le=256)
    """Threads that run the models."""
    beam: Literal["always", "never", "auto"] = "auto"
    """Decode finals by beam search: always, never, or while no deadline is in danger."""
    backlog_s: float = Field(30.0, gt=1.0, le=600.0)
    """Audio of one session that may wait to be heard; beyond it the socket is not read."""

    max_message_bytes: int = Field(22 << 20, ge=64 << 10, le=64 << 20)
    """A longer message closes its connection with 1009. The session protocols allow 15 MiB of audio, in base64."""
    max_text_bytes: int = Field(256 << 10, ge=4 << 10, le=64 << 20)
    """The same for text messages of tasks, which hold no audio."""
    max_connections: int = Field(4096, ge=1)
    max_connections_per_ip: int = Field(0, ge=0)
    """0 means no limit, as every client of a proxy has the proxy's address."""
    max_streams: int = Field(default_factory=lambda: 32 * cores(), ge=1)
    """Sessions open at once in the whole server."""
    max_tasks_per_connection: int = Field(8, ge=1)
    vocabulary_entries: int = Field(500, ge=1, le=10_000)
    """Hot words in one stored list."""
    vocabulary_lists: int = Field(10, ge=0, le=100_000)
    """Lists of hot words of one tenant; 0 is no limit."""

    handshake_s: float = Field(5.0, gt=0.0)
    """A request header that is not whole by then closes its connection."""
    ping_interval_s: float = Field(20.0, gt=0.0)
    ping_timeout_s: float = Field(20.0, gt=0.0)
    idle_s: float = Field(60.0, gt=0.0)
    """A connection without any session is closed after this long."""
    send_deadline_s: float = Field(30.0, gt=0.0)
    """A client that does not take one message for this long is cut off."""
    outbox_bytes: int = Field(256 << 10, ge=16 << 10)
    """Answers that may wait for a slow reader; beyond it the socket is not read."""
    drain_s: float = Field(30.0, gt=0.0)
    """How long a stopping server waits for the last answers."""

    max_body_bytes: int = Field(16 << 20, ge=4 << 10, le=256 << 20)
    """The longest JSON body of an HTTP request, with the base64 audio in it."""
    max_upload_bytes: int = Field(512 << 20, ge=4 << 10)
    """The largest recording that is uploaded or fetched."""
    max_stored_bytes: int = Field(4 << 30, ge=4 << 10)
    """All recordings that wait in `data` together."""
    history: bool = False
    """Keep what live sessions say, and their sound, in `data`/history."""
    history_audio: bool = True
    """With the sound."""
    history_days: int = Field(30, ge=0, le=36_500)
    """Recordings that were last changed longer ago are deleted; 0 keeps them."""
    history_bytes: int = Field(10 << 30, ge=0)
    """Of all sound together; beyond it the oldest recordings are deleted."""
    max_recording_s: float = Field(43_200.0, gt=0.0)
    """The longest recording, in seconds of audio."""
    request_s: float = Field(600.0, gt=0.0)
    """An HTTP request that is not answered by then is given up."""
    file_tasks: int = Field(1, ge=1, le=64)
    """Recordings that are transcribed at once in the background."""
    max_file_tasks_waiting: int = Field(100, ge=1)
    """Of one key."""
    files_kept_s: float = Field(86_400.0, gt=0.0)
    """Results of background tasks, and recordings uploaded for them, are deleted after this."""
    audio_url_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Hosts that recordings may be fetched from: names, `*.` and a domain, or `*`. Never addresses inside a network."""
    public_url: str = Field("", pattern=r"^(https?://[^\s/?#]+[^\s?#]*)?$")
    """How clients reach the server, where a proxy hides it; told in the addresses of results and uploads."""

    noise_reduction: NoiseReduction = "off"
    """Of sessions that do not say themselves. Needs the extra `noise`; without it, auto is off."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "console", "json"] = "auto"
    """auto is console on a terminal and JSON elsewhere."""

    @field_validator("api_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: Any) -> Any:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        for key in value:
            text = key.get_secret_value() if isinstance(key, SecretStr) else key
            if not isinstance(text, str) or not text.isascii() or not text.isprintable() or " " in text or not text:
                raise ValueError("a key must be printable ASCII without blanks")
        return value

    @field_validator("audio_url_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: Any) -> Any:
        hosts = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        for host in hosts:
            if not isinstance(host, str) or not HOST_PATTERN.fullmatch(host):
                raise ValueError('a host is a name, "*." and a domain, or "*"')
        return tuple(host.lower() for host in hosts)

    @field_validator("data", "models", "cert", "cert_key", mode="after")
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser().absolute()

    @property
    def secure(self) -> bool:
        return self.https or self.cert is not None

    @property
    def address(self) -> str:
        """Where to listen."""
        return "0.0.0.0" if self.https and "host" not in self.model_fields_set else self.host

    @property
    def models_dir(self) -> Path:
        return self.models or self.data / "models"

    @classmethod
    def load(cls, config: Path | None = None, **explicit: Any) -> Self:
        """Settings from everywhere. `explicit` holds arguments by setting name; None means not given."""
        given = {name: value for name, value in explicit.items() if value is not None}
        environment = {name for name, value in os.environ.items() if value}
        config = config or (Path(os.environ[PREFIX + "CONFIG"]) if PREFIX + "CONFIG" in environment else None)
        written = {} if config is None else _read_toml(config)
        unshadowed = {name: value for name, value in written.items() if PREFIX + name.upper() not in environment}
        try:
            return cls(**(unshadowed | given))
        except ValidationError as error:
            raise BadSettings(_explain(error, given, unshadowed, config)) from None

    def effective(self) -> str:
        """The settings in force as TOML, secrets masked."""
        return "\n".join(f"{name} = {_toml(value)}" for name, value in self if value is not None)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadSettings(f"config {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"config {path}: {error}") from None


def _explain(error: ValidationError, given: Mapping[str, Any], written: Mapping[str, Any], config: Path | None) -> str:
    """One line per problem: the setting, what is wrong, and where the value came from. Never the value itself."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else "settings"
        source = "an argument" if name in given else str(config) if name in written else PREFIX + name.upper()
        reason = "there is no such setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{name}: {reason.removeprefix('Value error, ')} (from {source})")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, SecretStr):
        return f'"{MASK}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'
