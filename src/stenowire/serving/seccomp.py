"""A filter that refuses system calls, by Linux's seccomp (Documentation/userspace-api/seccomp_filter.rst).

What is not on the list fails with EPERM. Numbers of system calls differ between processors: the table holds those of
x86-64 (arch/x86/entry/syscalls/syscall_64.tbl) and of arm64 (include/uapi/asm-generic/unistd.h).
"""

import ctypes
import errno
import os
import struct

X86_64, ARM_64 = 0xC000003E, 0xC00000B7
"""AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 of linux/audit.h."""
ARCHITECTURES = {"x86_64": X86_64, "aarch64": ARM_64}

ALLOWED: dict[int, dict[str, int]] = {
    X86_64: {
        "read": 0, "write": 1, "close": 3, "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13,
        "rt_sigprocmask": 14, "rt_sigreturn": 15, "sched_yield": 24, "mremap": 25, "madvise": 28, "setitimer": 38,
        "getpid": 39, "sendto": 44, "recvfrom": 45, "exit": 60, "gettid": 186, "futex": 202, "restart_syscall": 219,
        "clock_gettime": 228, "exit_group": 231, "getrandom": 318,
    },
    ARM_64: {
        "close": 57, "read": 63, "write": 64, "exit": 93, "exit_group": 94, "futex": 98, "setitimer": 103,
        "clock_gettime": 113, "sched_yield": 124, "restart_syscall": 128, "rt_sigaction": 134, "rt_sigprocmask": 135,
        "rt_sigreturn": 139, "getpid": 172, "gettid": 178, "sendto": 206, "recvfrom": 207, "brk": 214, "munmap": 215,
        "mremap": 216, "mmap": 222, "mprotect": 226, "madvise": 233, "getrandom": 278,
    },
}  # fmt: skip

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 22, 38
MODE_FILTER = 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
"""Instructions of the classic BPF: load a word of what is asked, compare it, answer."""
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
NUMBER_AT, ARCHITECTURE_AT = 0, 4
"""Offsets in `struct seccomp_data`."""


def program(architecture: int) -> bytes:
    """Foreign architecture: end. On the list: allow. Else: refuse."""
    numbers = sorted(ALLOWED[architecture].values())
    lines = [(LOAD, 0, 0, ARCHITECTURE_AT), (JUMP_IF_EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL)]
    lines.append((LOAD, 0, 0, NUMBER_AT))
    lines += [(JUMP_IF_EQUAL, len(numbers) - at, 0, number) for at, number in enumerate(numbers)]
    lines += [(RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW)]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


def allow_only_what_decoding_needs() -> bool:
    """Whether the filter is in force from now on. It cannot be taken off again."""
    architecture = ARCHITECTURES.get(os.uname().machine)
    if architecture is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return False
    code = ctypes.create_string_buffer(program(architecture))
    # struct sock_fprog: how many instructions of 8 bytes, and where they are.
    fprog = ctypes.create_string_buffer(struct.pack("@HP", len(code.raw) // 8, ctypes.addressof(code)))
    prctl = ctypes.CDLL(None).prctl
    prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    granted: bool = prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.addressof(fprog), 0, 0) == 0
    return granted
