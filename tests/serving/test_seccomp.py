"""The filter's program, run by hand: what is on the list passes, nothing else does, on either processor."""

import struct

import pytest

from stenowire.serving.seccomp import ALLOW, ALLOWED, ARM_64, KILL, REFUSE, X86_64, program

pytestmark = pytest.mark.unit


def run(code: bytes, number: int, architecture: int) -> int:
    """What the kernel would answer to a system call."""
    lines = list(struct.iter_unpack("<HBBI", code))
    data = struct.pack("<II", number, architecture)
    at = loaded = 0
    while True:
        what, if_equal, if_not, value = lines[at]
        match what:
            case 0x20:
                (loaded,) = struct.unpack_from("<I", data, value)
                at += 1
            case 0x15:
                at += 1 + (if_equal if loaded == value else if_not)
            case 0x06:
                return int(value)


@pytest.mark.parametrize("architecture", [X86_64, ARM_64])
def test_only_what_is_listed_is_allowed(architecture: int) -> None:
    code, listed = program(architecture), set(ALLOWED[architecture].values())
    assert {number for number in range(600) if run(code, number, architecture) == ALLOW} == listed
    assert {run(code, number, architecture) for number in range(600)} == {ALLOW, REFUSE}
    assert run(code, 0x40000000, architecture) == REFUSE


@pytest.mark.parametrize(("architecture", "other"), [(X86_64, ARM_64), (ARM_64, X86_64), (X86_64, 0x40000003)])
def test_calls_of_another_architecture_end_the_process(architecture: int, other: int) -> None:
    """Among them x86-64's own 32-bit calls, whose numbers mean other things."""
    assert {run(program(architecture), number, other) for number in range(600)} == {KILL}


@pytest.mark.parametrize("architecture", [X86_64, ARM_64])
def test_nothing_that_opens_or_starts_or_signals_is_listed(architecture: int) -> None:
    forbidden = ("open", "socket", "connect", "exec", "fork", "clone", "kill", "ptrace", "ioctl", "unlink", "bind")
    assert not [name for name in ALLOWED[architecture] if any(word in name for word in forbidden)]
