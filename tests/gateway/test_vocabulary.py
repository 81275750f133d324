"""What a stored list of hot words adds to an opening."""

from typing import Any, cast

import pytest

from stenowire.errors import InvalidParameter
from stenowire.events import Open
from stenowire.gateway.vocabulary import with_vocabulary
from stenowire.store.entries import Entry
from stenowire.store.vocabularies import NotThere, Vocabularies, Vocabulary
from stenowire.types import AudioFormat, Hint, HotWord

pytestmark = pytest.mark.unit

ENTRIES = (
    Entry(text="Bund", weight=4),
    Entry(text="Rohrpost", weight=3, lang="de"),
    Entry(text="Bulge Bracket", weight=2, lang="en"),
)


class Lists:
    """One list of one tenant."""

    def get(self, tenant: str, id: str) -> Vocabulary:
        if (tenant, id) != ("mine", "v"):
            raise NotThere("vocabulary_id: there is no list", "vocabulary_id")
        return Vocabulary(
            id="v", prefix="p", target_model="fun-asr-realtime", entries=ENTRIES, created=0.0, modified=0.0
        )


async def words(tenant: str = "mine", model: str = "fun-asr-realtime", id: str = "v", **hint: Any) -> list[str]:
    opening = Open(session="s", model=model, format=AudioFormat("pcm", 16_000), hint=Hint(**hint), vocabulary=id)
    opened = await with_vocabulary(opening, tenant, cast(Vocabularies, Lists()))
    return [f"{word.text} {word.weight}" for word in opened.hint.hotwords]


async def test_the_words_of_the_list_stand_in_the_hint() -> None:
    assert await words() == ["Bund 4", "Rohrpost 3", "Bulge Bracket 2"]


async def test_without_an_id_nothing_is_looked_up() -> None:
    assert await words(tenant="nobody", id="") == []


@pytest.mark.parametrize("language", ["en", "en-GB", "EN"])
async def test_with_a_language_hint_only_entries_of_that_language_or_of_none_count(language: str) -> None:
    assert await words(language=language) == ["Bund 4", "Bulge Bracket 2"]


async def test_a_list_for_another_model_has_no_effect() -> None:
    assert await words(model="paraformer-realtime-v2", hotwords=(HotWord("own"),)) == ["own 4"]


async def test_instant_words_come_first_and_win_over_the_same_word_in_the_list() -> None:
    assert await words(hotwords=(HotWord("Bund", 50),)) == ["Bund 50", "Rohrpost 3", "Bulge Bracket 2"]


@pytest.mark.parametrize(("tenant", "id"), [("theirs", "v"), ("mine", "w")])
async def test_another_tenant_s_list_and_none_are_refused_in_the_same_words(tenant: str, id: str) -> None:
    with pytest.raises(InvalidParameter) as refused:
        await words(tenant=tenant, id=id)
    assert refused.value.param == "payload.parameters.vocabulary_id"
