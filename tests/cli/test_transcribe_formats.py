"""`stenowire transcribe` without a server reads a recording in any format, and says what is missing where it cannot."""

import sys
from pathlib import Path

import pytest

from audio.coded import encode
from cli.terminal import piped
from stenowire.types import Samples

pytestmark = pytest.mark.engine

SAID = "It was the best of times"
ENCODED = {"mp3": ("libmp3lame", 16_000), "flac": ("flac", 16_000), "adts": ("aac", 16_000), "ogg": ("libopus", 48_000)}


@pytest.mark.parametrize("container", list(ENCODED))
def test_a_recording_is_transcribed_in_its_own_format(
    tmp_path: Path, moonshine_folder: Path, two_cities: Samples, container: str
) -> None:
    import soxr

    codec, rate_hz = ENCODED[container]
    path = tmp_path / "talk"
    path.write_bytes(encode(soxr.resample(two_cities[: 16_000 * 6], 16_000, rate_hz), rate_hz, codec, container))
    done = piped("transcribe", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert SAID in done.stdout


def test_the_missing_extra_is_named(tmp_path: Path, two_cities: Samples) -> None:
    path, blocked = tmp_path / "talk.mp3", tmp_path / "sitecustomize.py"
    path.write_bytes(encode(two_cities[:16_000], 16_000, "libmp3lame", "mp3"))
    blocked.write_text(
        "import importlib.util as u\nf = u.find_spec\nu.find_spec = lambda n, *a: n != 'av' and f(n, *a) or None\n"
    )
    done = piped("transcribe", path, PYTHONPATH=f"{tmp_path}:{':'.join(p for p in sys.path if p.endswith('src'))}")
    assert done.returncode == 5
    assert "pip install 'stenowire[codecs]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_pace_of_a_coded_file_is_not_promised(tmp_path: Path) -> None:
    path = tmp_path / "talk.mp3"
    path.write_bytes(b"ID3\x04" + bytes(600))
    done = piped("transcribe", path, "--realtime")
    assert done.returncode == 2
    assert "--realtime plays wav files only: talk.mp3 is mp3" in done.stderr
