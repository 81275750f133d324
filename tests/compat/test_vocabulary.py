"""The vendor's SDKs and lists of hot words: every call and failure, two tenants, and tasks that name a list."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from bench.server import KEY, Server

from compat.sdks import Drive, Line, named

pytestmark = pytest.mark.compat

VERSIONS = ("1.25.10", "2.0.2")
OTHER = "sk-other-0123456789abcdef"
WORD = "WISDOM"
"""Said in the recording, and never written so without help."""

Talk = Callable[[str, str], list[Line]]


@pytest.fixture(scope="module")
def shop(moonshine_folder: Path, silero_folder: Path) -> Iterator[Server]:
    """A server that two tenants have keys for."""
    with Server(api_keys=f"{KEY},{OTHER}") as running:
        yield running


@pytest.fixture(scope="module")
def talk(shop: Server, drive: Drive, opening: Path) -> Talk:
    http = shop.base.replace("ws://", "http://")
    job = {"url": shop.url, "http": http, "other": OTHER, "file": opening, "word": WORD}
    return cache(lambda version, scenario: drive("vocabulary", version, scenario=scenario, **job))


def one(lines: list[Line], what: str) -> Line:
    (line,) = named(lines, what)
    return line


@pytest.mark.parametrize("version", VERSIONS)
def test_a_list_lives_as_the_sdk_expects(talk: Talk, version: str) -> None:
    lines = talk(version, "life")
    id = one(lines, "created")["value"]
    assert id.startswith("vocab-bank-") and one(lines, "created")["request_id"]
    queried = one(lines, "queried")["value"]
    assert queried["vocabulary"] == [
        {"text": "Bulge Bracket", "weight": 4},
        {"text": "吴贻弓", "weight": 5, "lang": "zh"},
    ]
    assert (queried["target_model"], queried["status"]) == ("fun-asr-realtime", "OK")
    for listing in ("listed", "listed all"):
        (row,) = one(lines, listing)["value"]
        assert (row["vocabulary_id"], row["status"]) == (id, "OK")
        assert row["gmt_create"] == queried["gmt_create"] and len(row["gmt_modified"]) == len("2026-01-01 00:00:00")
    assert one(lines, "updated") == {"what": "updated", "value": None}
    assert one(lines, "queried again")["value"]["vocabulary"] == [{"text": "Bulge Bracket", "weight": 4}]
    assert one(lines, "deleted") == {"what": "deleted", "value": None}
    assert "Code: InvalidParameter" in one(lines, "queried after")["refused"]


REFUSALS = {
    "bad prefix": "400, Code: InvalidParameter, Error Message: input.prefix: ",
    "bad weight": "400, Code: InvalidParameter, Error Message: input.vocabulary[0].weight: ",
    "no weight": "400, Code: InvalidParameter, Error Message: input.vocabulary[0].weight: this field is required",
    "long text": "400, Code: InvalidParameter, Error Message: input.vocabulary[0].text: 16 characters",
    "many words": "400, Code: InvalidParameter, Error Message: input.vocabulary[0].text: 8 words",
    "no entries": "400, Code: InvalidParameter, Error Message: input.vocabulary: ",
    "too many": "400, Code: InvalidParameter, Error Message: input.vocabulary: 501 entries, and at most 500",
    "no model": "400, Code: InvalidParameter, Error Message: input.target_model: ",
    "unknown update": "400, Code: InvalidParameter, Error Message: input.vocabulary_id: ",
    "unknown delete": "400, Code: InvalidParameter, Error Message: input.vocabulary_id: ",
    "wrong service": "404, Code: Model.NotExist",
    "wrong key": "401, Code: InvalidApiKey",
}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_failure_names_its_field(talk: Talk, version: str) -> None:
    lines = talk(version, "failures")
    said = {line["what"]: line["refused"] for line in lines}
    assert said.keys() == REFUSALS.keys()
    for what, refusal in REFUSALS.items():
        assert f"Status Code: {refusal}" in said[what]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_eleventh_list_is_over_the_quota(talk: Talk, version: str) -> None:
    said = one(talk(version, "full"), "one more")["refused"]
    assert "Status Code: 429, Code: Throttling.AllocationQuota" in said and "limit 10" in said


@pytest.mark.parametrize("version", VERSIONS)
def test_another_tenant_cannot_reach_a_list_nor_be_biased_by_it(talk: Talk, version: str) -> None:
    lines = talk(version, "tenants")
    for what in ("query", "update", "delete"):
        assert "Code: InvalidParameter, Error Message: input.vocabulary_id: " in one(lines, what)["refused"]
    assert one(lines, "list")["value"] == []
    use = one(lines, "use")
    assert use["text"] == "" and "payload.parameters.vocabulary_id" in use["message"]
    assert len(one(lines, "still there")["value"]["vocabulary"]) == 2


@pytest.mark.parametrize("version", VERSIONS)
def test_the_next_task_uses_the_list_that_it_names(talk: Talk, version: str) -> None:
    lines = talk(version, "used")
    assert WORD in one(lines, "with")["text"]
    assert WORD not in one(lines, "without")["text"]
    deleted = one(lines, "deleted")
    assert deleted["text"] == "" and "payload.parameters.vocabulary_id" in deleted["message"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_older_lists_of_phrases_can_be_written_and_read(talk: Talk, version: str) -> None:
    lines = talk(version, "phrases")
    made = one(lines, "created")
    id = made["output"]["finetuned_output"]
    assert (made["status"], made["output"]["status"]) == (200, "SUCCEEDED")
    assert one(lines, "queried")["output"]["model"] == "paraformer-realtime-v1"
    listed = one(lines, "listed")["output"]
    assert [row["finetuned_output"] for row in listed["finetuned_outputs"]] == [id] and listed["total"] == 1
    assert one(lines, "updated")["output"]["finetuned_output"] == id
    assert one(lines, "deleted")["status"] == 200
    after = one(lines, "queried after")
    assert (after["status"], after["code"]) == (404, "NotFound")
