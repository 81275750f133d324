"""What `stenowire doctor` asks of this machine: Python, processor, memory, models, extras, folders, clock, microphone.

In: settings, where they can be read. Out: findings. Changes nothing, except that a folder is tried by a file that is
taken away again.
"""

import os
import platform
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from stenowire.cli.findings import Finding, ok, problem, warning
from stenowire.models import fetch, manifest
from stenowire.settings import Settings, cores

LEAST_PYTHON = (3, 11)
CPU_INFO = Path("/proc/cpuinfo")
FAST_X86, FASTER_X86 = "avx2", "avx512_vnni"
FAST_ARM = "asimddp"
LEAST_MEMORY_BYTES = 1 << 30
"""The embedded engine and its detector hold about 400 MB; each live session little more."""
LITTLE_DISK_BYTES, NO_DISK_BYTES = 2 << 30, 200 << 20
BEGIN_OF_TIME_S = 1_760_000_000.0
"""October 2025: an earlier clock is wrong."""
EXTRAS = {
    "codecs": (("av",), "mp3, Opus, Speex, AAC, AMR and FLAC"),
    "noise": (("pyrnnoise",), "noise reduction"),
    "microphone": (("sounddevice", "livekit"), "stenowire listen and echo cancellation"),
    "postgres": (("psycopg",), "a store in PostgreSQL"),
    "redis": (("redis",), "quotas over several processes"),
}
"""Extra -> the packages it brings, what it is for."""
SECRETS = ("pepper", "keys.json", "https.pem", "store.db")


def machine(settings: Settings | None) -> Iterator[Finding]:
    yield python()
    yield processor()
    yield memory()
    yield clock(time.time())
    if settings is not None:
        yield from models(settings.models_dir)
        yield from extras(settings)
        yield from folder(settings.data)
        yield disk(settings.data)


def python() -> Finding:
    said = f"{platform.python_version()}, {platform.python_implementation()}, on {platform.platform(terse=True)}"
    if sys.version_info < LEAST_PYTHON or sys.maxsize < 1 << 32:
        return problem("python", said, "install a 64-bit Python 3.11 or newer")
    return ok("python", said)


def processor() -> Finding:
    said = f"{cores()} {'core' if cores() == 1 else 'cores'}, {platform.machine()}"
    features = cpu_features(_read(CPU_INFO))
    if not features:
        return ok("processor", said)
    fast = [name for name in (FAST_X86, FASTER_X86, FAST_ARM) if name in features]
    if fast:
        return ok("processor", f"{said}, {', '.join(fast)}")
    return warning(
        "processor", f"{said}, without {FAST_X86}", "expect a third of the usual speed; see `stenowire bench`"
    )


def cpu_features(cpuinfo: str) -> set[str]:
    """Of Linux's /proc/cpuinfo; empty elsewhere."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return set(value.split())
    return set()


def memory() -> Finding:
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        free = max(free, _available(_read(Path("/proc/meminfo"))))
    except (ValueError, OSError, AttributeError):
        return ok("memory", "not known on this system")
    said = f"{free / 1e9:.1f} GB free"
    if free < LEAST_MEMORY_BYTES:
        return warning("memory", said, "close something, or the first session may be the last")
    return ok("memory", said)


def _available(meminfo: str) -> int:
    for line in meminfo.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def clock(now: float) -> Finding:
    said = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < BEGIN_OF_TIME_S:
        return problem("clock", said, "set the clock: certificates and keys with an end are refused otherwise")
    return ok("clock", said)


def models(root: Path) -> Iterator[Finding]:
    for name, model in manifest.packaged().items():
        faults = fetch.faults(model, root / name, verify=True)
        if not faults:
            yield ok(f"model {name}", f"verified in {root}")
        elif not (root / name).exists():
            yield warning(f"model {name}", f"not in {root}", f"stenowire models pull {name}")
        else:
            yield problem(f"model {name}", "; ".join(faults), f"stenowire models pull {name}")


def extras(settings: Settings) -> Iterator[Finding]:
    """An extra that the settings need and that is missing is a problem; one for a store that nobody uses is not."""
    store = settings.store.get_secret_value() if settings.store else ""
    needed = {
        "postgres": store.startswith("postgres"),
        "redis": settings.redis is not None,
        "noise": settings.noise_reduction not in ("off", "auto"),
    }
    for name, (packages, purpose) in EXTRAS.items():
        missing = [package for package in packages if find_spec(package) is None]
        said, remedy = f"not installed; it is for {purpose}", f"pip install 'stenowire[{name}]'"
        if not missing:
            yield ok(f"extra {name}", "installed")
        elif needed.get(name):
            yield problem(f"extra {name}", f"{said}, which the settings ask for", remedy)
        elif name in needed and name != "noise":
            yield ok(f"extra {name}", f"{said}, which the settings do not ask for")
        else:
            yield warning(f"extra {name}", said, remedy)


def folder(data: Path) -> Iterator[Finding]:
    existing = next(path for path in (data, *data.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        yield problem(
            "data folder", f"{data} cannot be written: {error.strerror}", f"chown it to {_me()}, or --data DIR"
        )
        return
    yield ok("data folder", f"{data}{'' if data.exists() else ', made at first start'}")
    for name in SECRETS:
        path = data / name
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077 and os.name == "posix":
            yield warning("data folder", f"{path} can be read by others", f"chmod 600 {path}")


def disk(data: Path) -> Finding:
    existing = next(path for path in (data, *data.parents) if path.exists())
    free = shutil.disk_usage(existing).free
    said = f"{free / 1e9:.1f} GB free for {data}"
    if free < NO_DISK_BYTES:
        return problem("disk", said, "make room: models need 200 MB, usage and uploads more")
    if free < LITTLE_DISK_BYTES:
        return warning("disk", said, "make room before recordings are uploaded or history is kept")
    return ok("disk", said)


def _me() -> str:
    import getpass

    return getpass.getuser()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
