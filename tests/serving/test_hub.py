"""Names, languages and what is said about them."""

import pytest

from stenowire.engines.registry import TABLE
from stenowire.engines.scripted import ScriptedDetector, ScriptedEngine
from stenowire.errors import ModelNotFound, UnsupportedLanguage
from stenowire.serving.hub import Hub

pytestmark = pytest.mark.unit


@pytest.fixture
def hub() -> Hub:
    return Hub(ScriptedEngine(), ScriptedDetector())


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.model)
def test_every_name_in_the_table_finds_an_engine(hub: Hub, row: object) -> None:
    assert hub.resolve(row.model, None).name == "scripted"  # type: ignore[attr-defined]


def test_an_unknown_name_is_refused(hub: Hub) -> None:
    with pytest.raises(ModelNotFound):
        hub.resolve("no-such-model", None)


@pytest.mark.parametrize("language", ["en", "EN", "en-GB", "auto", None])
def test_a_covered_language_is_taken(hub: Hub, language: str | None) -> None:
    assert hub.resolve("fun-asr-realtime", language)


def test_a_language_that_no_engine_covers_is_refused_by_name(hub: Hub) -> None:
    with pytest.raises(UnsupportedLanguage, match=r"'zh' is not covered.*knows en"):
        hub.resolve("fun-asr-realtime", "zh")


def test_each_card_says_what_stands_behind_its_name(hub: Hub) -> None:
    cards = hub.models()
    assert len({card.id for card in cards}) == len(cards) == len(TABLE)
    assert all(card.engine == "scripted" and card.languages == ("en",) and card.description for card in cards)
