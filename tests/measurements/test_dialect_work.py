"""The round that the dialects' cost is measured on: what it must hold to mean anything."""

import pytest
from bench.dialect_work import CLIENTS, FRAME_MS, SENTENCE_MS, SENTENCES, TEXT, Client, check, frames, opened, play
from bench.dialect_work import updates as updates_of

from stenowire.dialects.base import Output, Text
from stenowire.events import Audio

pytestmark = pytest.mark.unit

every_client = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)


def round_of(client: Client) -> list[Output]:
    dialect, session = opened(client)
    return play(dialect, frames(client), updates_of(client, session))


@every_client
def test_every_frame_is_heard_and_every_sentence_told(client: Client) -> None:
    outputs = round_of(client)
    check(client, outputs)
    assert sum(isinstance(output, Audio) for output in outputs) == SENTENCES * SENTENCE_MS // FRAME_MS


@every_client
def test_words_are_told_while_they_are_said(client: Client) -> None:
    """A round of finals alone would be cheaper than what people see."""
    texts = [output.data for output in round_of(client) if isinstance(output, Text)]
    growing = [text for text in texts if TEXT not in text and "far" in text]
    assert len(growing) >= 2 * SENTENCES


@every_client
def test_a_dialect_that_loses_words_or_audio_is_not_measured(client: Client) -> None:
    outputs = round_of(client)
    for lost in (Audio, Text):
        with pytest.raises(RuntimeError):
            check(client, [output for output in outputs if not isinstance(output, lost)])
