"""Strategies for hypothesis: events that a client of OpenAI's realtime transcription may write, good ones."""

from typing import Any

from hypothesis import strategies as st

from dialects.realtime_frames import event
from stenowire.dialects.openai_session import LOGPROBS

MODELS = ["m", "n", "no-such-model"]

turns = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("server_vad")},
        optional={
            "threshold": st.none() | st.floats(0, 1),
            "silence_duration_ms": st.none() | st.integers(0, 600_000),
            "prefix_padding_ms": st.none() | st.integers(0, 600_000),
            "idle_timeout_ms": st.none() | st.just(5000),
        },
    ),
    st.fixed_dictionaries(
        {"type": st.just("semantic_vad")},
        optional={"eagerness": st.sampled_from([None, "low", "medium", "high", "auto"])},
    ),
)
transcriptions = st.fixed_dictionaries(
    {},
    optional={
        "model": st.none() | st.sampled_from(MODELS),
        "language": st.sampled_from([None, "", "auto", "en", "zh"]),
        "languages": st.none() | st.lists(st.sampled_from(["en", "fr"]), max_size=2),
        "prompt": st.none() | st.text(max_size=9),
        "keywords": st.none() | st.lists(st.text(max_size=5), max_size=2),
    },
)
noises = st.fixed_dictionaries({}, optional={"type": st.sampled_from([None, "near_field"]), "strength": st.just(0.5)})
formats = st.one_of(
    st.fixed_dictionaries({"type": st.just("audio/pcm")}, optional={"rate": st.sampled_from([None, 8000, 24000])}),
    st.fixed_dictionaries({"type": st.sampled_from(["audio/pcmu", "audio/pcma"])}),
)
inputs = st.fixed_dictionaries(
    {},
    optional={
        "format": st.none() | formats,
        "transcription": st.none() | transcriptions,
        "noise_reduction": st.none() | noises,
        "turn_detection": st.none() | turns,
    },
)
sessions = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["transcription", "realtime"]),
        "audio": st.fixed_dictionaries({"input": inputs}),
        "include": st.sampled_from([None, [], [LOGPROBS]]),
        "tools": st.just([]),
    },
)
flat_sessions = st.fixed_dictionaries(
    {},
    optional={
        "input_audio_format": st.sampled_from([None, "pcm16", "g711_ulaw", "g711_alaw"]),
        "input_audio_transcription": st.none() | transcriptions,
        "input_audio_noise_reduction": st.none() | noises,
        "turn_detection": st.none() | turns,
        "include": st.sampled_from([None, [LOGPROBS]]),
    },
)

updates = event("session.update", session=sessions | flat_sessions)
beta_updates = event("transcription_session.update", session=flat_sessions)
appends = event("input_audio_buffer.append", audio=st.sampled_from(["", "AAAA", "A" * 64]))
commits = event("input_audio_buffer.commit")
clears = event("input_audio_buffer.clear")
client_events: st.SearchStrategy[dict[str, Any]] = st.one_of(appends, commits, clears, updates, beta_updates)
