"""Strategies for hypothesis: events that a client of the session protocol may write, good ones to begin with."""

from typing import Any

from hypothesis import strategies as st

turns = st.fixed_dictionaries(
    {"type": st.just("server_vad")},
    optional={
        "threshold": st.none() | st.floats(-1, 1),
        "silence_duration_ms": st.none() | st.integers(200, 6000),
        "prefix_padding_ms": st.none() | st.integers(0, 5000),
        "create_response": st.none() | st.booleans(),
    },
)
transcriptions = st.fixed_dictionaries(
    {},
    optional={
        "model": st.none() | st.just("gummy-realtime-v1"),
        "language": st.sampled_from([None, "", "auto", "en", "zh"]),
        "corpus": st.none() | st.fixed_dictionaries({}, optional={"text": st.none() | st.text(max_size=9)}),
    },
)
formats = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from([None, "pcm", "pcm16", "wav"]), "sample_rate": st.sampled_from([8000, 48000])}
)
sessions = st.fixed_dictionaries(
    {},
    optional={
        "modalities": st.sampled_from([None, ["text"], ["text", "audio"]]),
        "instructions": st.none() | st.text(max_size=9),
        "voice": st.none(),
        "input_audio_format": st.sampled_from([None, "pcm", "pcm16", "wav"]),
        "sample_rate": st.none() | st.sampled_from([8000, 16000, 24000]),
        "audio": st.fixed_dictionaries({"input": st.fixed_dictionaries({"format": formats})}),
        "input_audio_transcription": st.none() | transcriptions,
        "turn_detection": st.none() | turns,
    },
)


def event(type: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(type), **fields}, optional={"event_id": st.text(max_size=5)})


updates = event("session.update", session=sessions)
appends = event("input_audio_buffer.append", audio=st.sampled_from(["", "AAAA", "AAAAAAAAAAA="]))
commits = event("input_audio_buffer.commit")
clears = event("input_audio_buffer.clear")
finishes = event("session.finish")
asks = event("response.create") | event("response.cancel")
client_events = st.one_of(appends, commits, updates, clears, asks)
"""Without session.finish, which ends all."""
