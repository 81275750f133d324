"""The document that a file transcription ends in, in the vendor's shape.

In: a transcript. Out: structs. One channel: recordings are mixed down before they are heard.
"""

import msgspec

from stenowire.dialects.task_events import event_words
from stenowire.gateway.http.hearing import Transcript
from stenowire.types import Sentence


class Properties(msgspec.Struct, frozen=True, kw_only=True):
    audio_format: str
    channels: list[int]
    original_sampling_rate: int
    original_duration_in_milliseconds: int


class ResultWord(msgspec.Struct, frozen=True):
    begin_time: int
    end_time: int
    text: str
    punctuation: str


class ResultSentence(msgspec.Struct, frozen=True, kw_only=True):
    begin_time: int
    end_time: int
    text: str
    sentence_id: int
    speaker_id: str | None = None
    words: list[ResultWord]


class ChannelTranscript(msgspec.Struct, frozen=True, kw_only=True):
    channel_id: int = 0
    content_duration_in_milliseconds: int
    """Of speech."""
    text: str
    sentences: list[ResultSentence]


class FileResult(msgspec.Struct, frozen=True):
    file_url: str
    properties: Properties
    transcripts: list[ChannelTranscript]


def file_result(url: str, transcript: Transcript) -> FileResult:
    recording = transcript.recording
    assert recording is not None
    sentences = [_sentence(sentence) for sentence in transcript.sentences]
    return FileResult(
        url,
        Properties(
            audio_format=recording.encoding,
            channels=list(range(recording.channels)),
            original_sampling_rate=recording.rate_hz,
            original_duration_in_milliseconds=round(transcript.audio_s * 1000),
        ),
        [
            ChannelTranscript(
                content_duration_in_milliseconds=sum(said.end_time - said.begin_time for said in sentences),
                text=transcript.text,
                sentences=sentences,
            )
        ],
    )


def _sentence(sentence: Sentence) -> ResultSentence:
    words = [ResultWord(word.begin_time, word.end_time, word.text, word.punctuation) for word in event_words(sentence)]
    return ResultSentence(
        begin_time=sentence.begin_ms,
        end_time=sentence.end_ms if sentence.end_ms is not None else words[-1].end_time,
        text=sentence.text,
        sentence_id=sentence.id,
        speaker_id=sentence.speaker,
        words=words,
    )
