"""Streams that are not what they were announced as."""

import numpy as np
import pytest

from audio.coded import decode
from audio.streams import AAC, AMR, FLAC, MP3, OGG, PAGES, WEBM, id3, page
from stenowire.audio.codecs.transcode import MOST_SILENT_BYTES, Transcoder
from stenowire.errors import BadAudio, UnsupportedFormat

pytestmark = pytest.mark.unit

DECLARED = ["mp3", "opus", "speex", "aac", "amr", "flac"]
STRANGERS = {
    "playlist": b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n" * 20,
    "concat": b"ffconcat version 1.0\nfile '/etc/passwd'\n" * 20,
    "sdp": b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 0\r\n" * 20,
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>' * 20,
    "zeros": bytes(300_000),
    "ones": b"\xff" * 300_000,
    "noise": np.random.default_rng(9).integers(0, 256, 300_000, np.uint8).tobytes(),
}


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_is_no_audio_is_refused(declared: str, stranger: str) -> None:
    with pytest.raises((BadAudio, UnsupportedFormat)):
        decode(declared, STRANGERS[stranger])


BLANK = {
    "mp3": [id3((1 << 20) - 10)],
    "flac": [FLAC[:4] + b"\0" + FLAC[5:42], b"\1\x0f\xff\xfc" + bytes((1 << 20) - 4)],
    "opus": [PAGES[0], page([bytes(65_000)], -1, 1, 0, serial=9) * 16],
}
"""(how it begins,) what may go on for ever without a sound: about a MB."""


@pytest.mark.parametrize("encoding", BLANK)
def test_tags_and_tables_that_never_end_are_given_up(encoding: str) -> None:
    transcoder = Transcoder(encoding)
    with pytest.raises(BadAudio, match="no sound in 64 MB"):
        for piece in [*BLANK[encoding][:-1], *BLANK[encoding][-1:] * (2 + (MOST_SILENT_BYTES >> 20))]:
            list(transcoder.feed(piece))


@pytest.mark.parametrize("declared", DECLARED)
@pytest.mark.parametrize("stream", [MP3, AAC, FLAC, OGG, WEBM, AMR], ids=["mp3", "aac", "flac", "ogg", "webm", "amr"])
def test_what_was_declared_decides_and_not_what_it_looks_like(declared: str, stream: bytes) -> None:
    ours = {"mp3": [MP3], "aac": [AAC], "flac": [FLAC], "opus": [OGG, WEBM], "amr": [AMR], "speex": []}
    if stream in ours[declared]:
        return
    with pytest.raises((BadAudio, UnsupportedFormat)):
        decode(declared, stream)
