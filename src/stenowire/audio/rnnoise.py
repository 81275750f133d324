"""RNNoise: a small recurrent network that takes noise out of speech, called through its C interface.

Input and output: frames of 480 samples at 48 kHz. The library comes in the wheel of `pyrnnoise` (extra `noise`), whose
Python part is left alone: it would load a plotting library and convert every frame twice. A `librnnoise` of the system
does as well. Must not know of rates, streams or sessions.
"""

import ctypes
import ctypes.util
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from weakref import finalize

import numpy as np

from stenowire.errors import InvalidParameter
from stenowire.types import Samples

FRAME = 480
"""Samples per frame at 48 kHz: 10 ms (rnnoise_get_frame_size)."""
DELAY = 2 * FRAME
"""Samples by which its output is late: one frame overlaps the next, and the network looks one frame ahead."""
SCALE = 32_768.0
"""It wants floats in the range of 16-bit samples (rnnoise.h)."""
FILES = {"darwin": "librnnoise.dylib", "win32": "rnnoise.dll"}

_Floats = ctypes.POINTER(ctypes.c_float)


@cache
def _library() -> ctypes.CDLL | None:
    """Looked for once: what is installed while a server runs counts from its next start."""
    package = find_spec("pyrnnoise")
    folders = [Path(folder) for folder in (package.submodule_search_locations or ())] if package else []
    files = [str(folder / FILES.get(sys.platform, "librnnoise.so")) for folder in folders]
    for file in [*files, ctypes.util.find_library("rnnoise")]:
        try:
            library = ctypes.CDLL(file) if file else None
        except OSError:
            continue
        if library is not None:
            return _declared(library)
    return None


def _declared(library: ctypes.CDLL) -> ctypes.CDLL:
    library.rnnoise_create.restype, library.rnnoise_create.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    library.rnnoise_destroy.restype, library.rnnoise_destroy.argtypes = None, [ctypes.c_void_p]
    library.rnnoise_process_frame.restype = ctypes.c_float
    library.rnnoise_process_frame.argtypes = [ctypes.c_void_p, _Floats, _Floats]
    return library


def available() -> bool:
    return _library() is not None


class RNNoise:
    """The state of one stream. Raises InvalidParameter where the library is not installed.

    Calls let the interpreter go. Output begins DELAY samples late.
    """

    def __init__(self) -> None:
        library = _library()
        if library is None:
            raise InvalidParameter(
                "noise_reduction: this server has no noise suppressor; it comes with the extra `noise`",
                "noise_reduction",
            )
        self._library = library
        self._state = library.rnnoise_create(None)
        finalize(self, library.rnnoise_destroy, self._state)

    def feed(self, frame: Samples) -> Samples:
        """float32[480] in [-1, 1) at 48 kHz to as many."""
        scaled = np.ascontiguousarray(frame * SCALE, dtype=np.float32)
        pointer = scaled.ctypes.data_as(_Floats)
        self._library.rnnoise_process_frame(self._state, pointer, pointer)
        return scaled / np.float32(SCALE)
