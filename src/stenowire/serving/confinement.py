"""What a process that reads strangers' bytes gives up, for good.

Files and sockets: the limit on open files is set to none, so that only those that are open can be used. Memory,
processor time, the size of files, other processes: by limits. Being root: by becoming nobody. System calls: on Linux,
all but those that reading, writing, memory and ending need are refused (seccomp), where the kernel grants that.
"""

import contextlib
import os
import resource
import sys
from pathlib import Path

from stenowire.serving.seccomp import allow_only_what_decoding_needs

NOBODY = 65_534
SPARE_BYTES = 256 << 20
"""Address space beyond what is in use: a decoder needs some MB."""
CPU_S = 3600
"""Of a whole stream: a day of audio takes a few minutes."""


def confine() -> None:
    """Raises nothing: what a system does not know is done without."""
    address_space = _address_space() + SPARE_BYTES
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
    limits = [("NPROC", 0), ("CORE", 0), ("FSIZE", 0), ("CPU", CPU_S), ("NOFILE", 0)]
    if sys.platform == "linux":
        limits.append(("AS", address_space))
    for name, limit in limits:
        with contextlib.suppress(AttributeError, OSError, ValueError):
            resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (limit, limit))
    if sys.platform == "linux":
        allow_only_what_decoding_needs()


def _address_space() -> int:
    """Bytes in use by this process."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 4 << 30
