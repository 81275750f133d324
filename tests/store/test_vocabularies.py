"""Lists of hot words in the store."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL

from stenowire.store.connect import Store
from stenowire.store.entries import Entry
from stenowire.store.vocabularies import AllocationQuota, NotThere, Vocabularies

pytestmark = pytest.mark.unit

WORDS = (Entry(text="Bulge Bracket", weight=4), Entry(text="吴贻弓", weight=5, lang="zh"))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("store")
    store = Store(URL.create("sqlite", database=str(folder / "store.db")))
    yield store
    store.close()


@pytest.fixture
def lists(store: Store, request: pytest.FixtureRequest) -> Vocabularies:
    return Vocabularies(store, most_lists=3)


def test_what_was_created_is_found_again_whole(lists: Vocabularies) -> None:
    made = lists.create("whole", "abc", "fun-asr-realtime", WORDS)
    assert made.id.startswith("vocab-abc-") and len(made.id) == len("vocab-abc-") + 32
    assert lists.get("whole", made.id) == made
    assert abs(made.created - time.time()) < 60


def test_another_tenant_s_list_is_not_there_in_any_way(lists: Vocabularies) -> None:
    id = lists.create("owner", "abc", "fun-asr-realtime", WORDS).id
    for act in (
        lambda: lists.get("thief", id),
        lambda: lists.replace("thief", id, WORDS[:1]),
        lambda: lists.delete("thief", id),
    ):
        with pytest.raises(NotThere) as theirs:
            act()
        assert theirs.value.message.replace(id, "vocab-x") == "vocabulary_id: there is no list 'vocab-x'"
    assert lists.page("thief", None, 0, 10) == []
    assert lists.get("owner", id).entries == WORDS


def test_replacing_changes_all_words_and_the_time_of_change(lists: Vocabularies) -> None:
    made = lists.create("changing", "abc", "fun-asr-realtime", WORDS)
    lists.replace("changing", made.id, WORDS[:1])
    now = lists.get("changing", made.id)
    assert now.entries == WORDS[:1]
    assert now.created == made.created and now.modified >= made.modified


def test_what_was_deleted_is_not_there(lists: Vocabularies) -> None:
    id = lists.create("deleting", "abc", "fun-asr-realtime", WORDS).id
    lists.delete("deleting", id)
    for act in (lambda: lists.get("deleting", id), lambda: lists.delete("deleting", id)):
        with pytest.raises(NotThere):
            act()


def test_a_tenant_has_no_more_lists_than_it_may_and_others_are_not_touched(lists: Vocabularies) -> None:
    for _ in range(3):
        kept = lists.create("full", "abc", "fun-asr-realtime", WORDS).id
    with pytest.raises(AllocationQuota):
        lists.create("full", "abc", "fun-asr-realtime", WORDS)
    lists.create("not-full", "abc", "fun-asr-realtime", WORDS)
    lists.delete("full", kept)
    lists.create("full", "abc", "fun-asr-realtime", WORDS)


def test_pages_are_newest_first_and_obey_the_prefix(lists: Vocabularies) -> None:
    ids = [lists.create("pages", prefix, "fun-asr-realtime", WORDS).id for prefix in ("a", "b", "a")]
    assert [found.id for found in lists.page("pages", None, 0, 2)] == [ids[2], ids[1]]
    assert [found.id for found in lists.page("pages", None, 1, 2)] == [ids[0]]
    assert [found.id for found in lists.page("pages", "a", 0, 10)] == [ids[2], ids[0]]
    assert (lists.count("pages"), lists.count("pages", "b")) == (3, 1)


def test_a_store_that_was_never_written_is_not_made_by_looking(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with pytest.raises(NotThere):
        Vocabularies(Store(URL.create("sqlite", database=str(file))), 3).get("anyone", "vocab-a-1")
    assert not file.exists()
