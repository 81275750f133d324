"""File transcription in the background, from asking to the result, and through crashes and restarts."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from http_calls import ASYNC, FILES, SAID, TWO_SENTENCES, client, ended, files, transcribe, upload, wav
from live_server import KEY, Live, live, until
from stenowire.engines.base import Job
from stenowire.store.tasks import Request

pytestmark = pytest.mark.faults


@asynccontextmanager
async def both_keys(server: Live) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    async with client(server, "sk-one") as one, client(server, "sk-two") as two:
        yield one, two


async def submit(visitor: httpx.AsyncClient, *urls: str, **changes: Any) -> str:
    answer = await visitor.post(FILES, json=files(*urls, **changes), headers=ASYNC)
    assert answer.status_code == 200, answer.text
    output = answer.json()["output"]
    assert output["task_status"] == "PENDING"
    return str(output["task_id"])


async def status_of(visitor: httpx.AsyncClient, task_id: str) -> str:
    return str((await visitor.get(f"/api/v1/tasks/{task_id}")).json()["output"]["task_status"])


class Gate:
    """An engine that works only while the gate is open."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.reached = threading.Event()

    def __call__(self, jobs: Sequence[Job]) -> None:
        self.reached.set()
        self.open.wait(20)


async def test_a_task_goes_from_pending_to_its_result(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        task = await ended(visitor, await submit(visitor, address))
        output = task["output"]
        (file,) = output["results"]
        async with httpx.AsyncClient(trust_env=False) as keyless:
            result = (await keyless.get(file["transcription_url"])).json()
    assert output["task_status"] == file["subtask_status"] == "SUCCEEDED"
    assert output["task_metrics"] == {"TOTAL": 1, "SUCCEEDED": 1, "FAILED": 0}
    assert output["submit_time"] <= output["scheduled_time"] <= output["end_time"]
    assert task["usage"] == {"duration": 4}
    assert result["file_url"] == address
    assert result["properties"] == {
        "audio_format": "wav",
        "channels": [0],
        "original_sampling_rate": 16000,
        "original_duration_in_milliseconds": 3500,
    }
    (transcript,) = result["transcripts"]
    assert transcript["text"] == SAID
    assert [sentence["sentence_id"] for sentence in transcript["sentences"]] == [1, 2]
    for sentence in transcript["sentences"]:
        assert "".join(word["text"] + word["punctuation"] for word in sentence["words"]) == sentence["text"]
        assert sentence["begin_time"] <= sentence["words"][0]["begin_time"] < sentence["end_time"]


async def test_a_file_that_fails_does_not_fail_the_others(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        good = await upload(visitor, wav(*TWO_SENTENCES))
        silent = await upload(visitor, wav(2000), "silent.wav")
        broken = await upload(visitor, b"nothing of the kind", "broken.wav")
        long = await upload(visitor, wav(*["w43", 1500] * 10), "long.wav")
        urls = (broken, good, silent, "oss://stenowire/none/x.wav", "file:///etc/hostname", "/etc/hostname", long)
        task = await ended(visitor, await submit(visitor, *urls))
    results = task["output"]["results"]
    assert [result["file_url"] for result in results] == list(urls)
    assert [result.get("code") for result in results] == [
        "DECODE_ERROR",
        None,
        "SUCCESS_WITH_NO_VALID_FRAGMENT",
        "FILE_404_NOT_FOUND",
        "REQUEST_INVALID_FILE_URL_VALUE",
        "REQUEST_INVALID_FILE_URL_VALUE",
        None,
    ]
    assert all(("transcription_url" in result) is (result.get("code") is None) for result in results)
    assert all(result["message"] for result in results if "code" in result)
    assert task["output"]["task_status"] == "SUCCEEDED"
    assert task["output"]["task_metrics"] == {"TOTAL": 7, "SUCCEEDED": 2, "FAILED": 5}


async def test_a_task_all_of_whose_files_fail_has_failed_and_says_why(tmp_path: Path) -> None:
    async with live(tmp_path, max_recording_s=3) as server, client(server) as visitor:
        long = await upload(visitor, wav(*TWO_SENTENCES))
        output = (await ended(visitor, await submit(visitor, long)))["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "AUDIO_DURATION_TOO_LONG")
    assert output["message"]


async def test_a_task_with_one_file_url_is_answered_in_the_shape_of_that(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        body = {"model": "qwen3-asr-flash-filetrans", "input": {"file_url": address}}
        task_id = (await visitor.post(FILES, json=body, headers=ASYNC)).json()["output"]["task_id"]
        output = (await ended(visitor, task_id))["output"]
        assert (await visitor.get(output["result"]["transcription_url"])).json()["transcripts"][0]["text"] == SAID


async def test_parameters_are_obeyed(tmp_path: Path) -> None:
    words = '{"filter_with_signed": {"word_list": ["w41"]}, "filter_with_empty": {"word_list": ["w43"]}}'
    parameters = {"language_hints": ["en"], "channel_id": [0], "special_word_filter": words}
    async with live(tmp_path) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        task = await ended(visitor, await submit(visitor, address, parameters=parameters))
        result = (await visitor.get(task["output"]["results"][0]["transcription_url"])).json()
    assert result["transcripts"][0]["text"] == "*** w42"


@pytest.mark.parametrize(
    ("body", "headers", "status", "code", "says"),
    [
        (files("oss://x"), {}, 403, "AccessDenied", "X-DashScope-Async"),
        (files("oss://x") | {"model": "no-such-model"}, ASYNC, 404, "Model.NotExist", "exist"),
        (files("oss://x", parameters={"language_hints": ["zh"]}), ASYNC, 400, "InvalidParameter", "language_hints"),
        (files(), ASYNC, 400, "InvalidParameter", "input.file_urls"),
        (files("") | {}, ASYNC, 400, "InvalidParameter", "input.file_urls"),
        (files(*["oss://x"] * 101), ASYNC, 400, "InvalidParameter", "input.file_urls"),
        (files("a") | {"input": {"file_urls": ["a"], "file_url": "b"}}, ASYNC, 400, "InvalidParameter", "either"),
        ({"model": "fun-asr"}, ASYNC, 400, "InvalidParameter", "input"),
        (files("oss://x", parameters={"special_word_filter": "{"}), ASYNC, 400, "InvalidParameter", "filter"),
    ],
)
async def test_a_wrong_request_is_refused_at_once(
    tmp_path: Path, body: dict[str, Any], headers: dict[str, str], status: int, code: str, says: str
) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.post(FILES, json=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert says in answer.json()["message"]


async def test_only_a_task_that_waits_can_be_canceled(tmp_path: Path) -> None:
    gate = Gate()
    async with live(tmp_path, gate) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        running = await submit(visitor, address)
        await until(gate.reached.is_set)
        waiting = await submit(visitor, address)
        assert (await visitor.post(f"/api/v1/tasks/{waiting}/cancel")).status_code == 200
        assert await status_of(visitor, waiting) == "CANCELED"
        refused = await visitor.post(f"/api/v1/tasks/{running}/cancel")
        assert (refused.status_code, refused.json()["code"]) == (400, "UnsupportedOperation")
        assert await status_of(visitor, running) == "RUNNING"
        gate.open.set()
        assert (await ended(visitor, running))["output"]["task_status"] == "SUCCEEDED"
        assert await status_of(visitor, waiting) == "CANCELED"


async def test_another_keys_task_is_as_if_it_were_not(tmp_path: Path) -> None:
    async with live(tmp_path, api_keys="sk-one,sk-two") as server, both_keys(server) as (one, two):
        address = await upload(one, wav(*TWO_SENTENCES))
        task_id = await submit(one, address)
        assert (await ended(one, task_id))["output"]["task_status"] == "SUCCEEDED"
        stranger, nobody = f"/api/v1/tasks/{task_id}", "/api/v1/tasks/no-such-task"
        for path in (stranger, nobody):
            told = (await two.get(path)).json()["output"]
            assert told == {"task_id": path.rpartition("/")[2], "task_status": "UNKNOWN"}
            assert (await two.post(f"{path}/cancel")).status_code == 404
        # Neither may it use what the other has uploaded.
        theft = await ended(two, await submit(two, address))
        assert theft["output"]["results"][0]["code"] == "FILE_404_NOT_FOUND"


async def test_a_result_has_a_name_that_nobody_guesses(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        task = await ended(visitor, await submit(visitor, address, address))
        names = [result["transcription_url"].rpartition("/")[2] for result in task["output"]["results"]]
        missing = await visitor.get("/api/v1/results/none.json")
    assert len(set(names)) == 2 and all(len(name) > 40 for name in names)
    assert (missing.status_code, missing.json()["code"]) == (404, "NotFound")


async def test_too_many_waiting_tasks_of_one_key_are_refused(tmp_path: Path) -> None:
    gate = Gate()
    settings = {"max_file_tasks_waiting": 2, "api_keys": "sk-one,sk-two"}
    async with live(tmp_path, gate, **settings) as server, both_keys(server) as (one, two):
        address = await upload(one, wav("w3"))
        for _ in range(2):
            await submit(one, address)
        refused = await one.post(FILES, json=files(address), headers=ASYNC)
        assert (refused.status_code, refused.json()["code"]) == (429, "Throttling.RateQuota")
        assert int(refused.headers["retry-after"]) > 0
        await submit(two, address)
        gate.open.set()


async def test_when_all_streams_are_taken_a_task_waits_its_turn(tmp_path: Path) -> None:
    async with live(tmp_path, max_streams=1) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        server.admission.take_stream()
        task_id = await submit(visitor, address)
        await until_running(visitor, task_id)
        server.admission.free_stream()
        assert (await ended(visitor, task_id))["output"]["task_status"] == "SUCCEEDED"


async def until_running(visitor: httpx.AsyncClient, task_id: str) -> None:
    async with asyncio.timeout(20):
        while await status_of(visitor, task_id) != "RUNNING":  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_task_in_the_middle_of_a_stop_is_done_after_the_restart(tmp_path: Path) -> None:
    gate = Gate()
    async with live(tmp_path, gate) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        running, waiting = await submit(visitor, address), await submit(visitor, address)
        await until(gate.reached.is_set)
        # An engine in mid-step cannot be stopped; it must not hold up the stop of the server.
        asyncio.get_running_loop().call_later(0.5, gate.open.set)
    async with live(tmp_path) as server, client(server) as visitor:
        for task_id in (running, waiting):
            assert (await ended(visitor, task_id))["output"]["task_status"] == "SUCCEEDED"
        # It was given back, not abandoned: the first attempt does not count.
        task = server.server.runtime.shelf.tasks.find(running, tenant(server))
        assert task is not None and task.attempts == 1


def tenant(server: Live) -> str:
    return server.server.keys.find(KEY).tenant.name


def crashed(server: Live, address: str, *, attempts: int) -> str:
    """A task as crashes leave it: claimed, not ended, its lease run out."""
    tasks, began = server.server.runtime.shelf.tasks, time.time() - 1000
    tasks.submit("crashed", tenant(server), Request(model="fun-asr", urls=(address,)), began, most_waiting=10)
    for attempt in range(attempts):
        assert tasks.claim(began + 10 * attempt, began + 10 * attempt + 1)
    return "crashed"


async def test_a_task_that_was_running_at_a_crash_is_run_again(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        server.admission.draining = True
        task_id = crashed(server, address, attempts=1)
        assert await status_of(visitor, task_id) == "RUNNING"
        server.admission.draining = False
        assert (await ended(visitor, task_id))["output"]["task_status"] == "SUCCEEDED"


async def test_a_task_that_takes_the_server_down_is_given_up(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        address = await upload(visitor, wav(*TWO_SENTENCES))
        server.admission.draining = True
        task_id = crashed(server, address, attempts=3)
        server.admission.draining = False
        output = (await ended(visitor, task_id))["output"]
    assert (output["task_status"], output["code"]) == ("FAILED", "InternalError")


async def test_the_address_of_a_result_is_the_one_that_clients_use(tmp_path: Path) -> None:
    async with live(tmp_path, public_url="https://asr.example.org/base/") as server, client(server) as visitor:
        policy = (await visitor.get("/api/v1/uploads?action=getPolicy&model=m")).json()["data"]
        task = server.server.runtime.shelf.tasks
        task_id = await submit(visitor, "oss://none")
        await ended(visitor, task_id)
        task.keep(task_id, 0, 1.0, b"{}")
        task.end(task_id, "SUCCEEDED", time.time())
        told = (await visitor.get(f"/api/v1/tasks/{task_id}")).json()
    assert policy["upload_host"].startswith("https://asr.example.org/base/api/v1/uploads/")
    url = told["output"]["results"][0]["transcription_url"]
    assert url.startswith("https://asr.example.org/base/api/v1/results/")


async def test_a_folder_that_cannot_be_written_stops_tasks_and_nothing_else(tmp_path: Path) -> None:
    blocked = tmp_path / "data"
    blocked.write_text("a file where the folder should be", encoding="utf-8")
    async with live(blocked) as server, client(server) as visitor:
        refused = await visitor.post(FILES, json=files("oss://x"), headers=ASYNC)
        assert (refused.status_code, refused.json()["code"]) == (503, "ServiceUnavailable")
        assert (await transcribe(visitor, wav(*TWO_SENTENCES))).json()["text"] == SAID


async def test_who_never_asks_for_a_task_gets_no_database(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        await transcribe(visitor, wav(*TWO_SENTENCES))
    assert names(tmp_path) == []


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_old_tasks_and_their_results_are_deleted(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        task_id = await submit(visitor, await upload(visitor, wav(*TWO_SENTENCES)))
        result = (await ended(visitor, task_id))["output"]["results"][0]["transcription_url"]
        server.server.runtime.shelf.tasks.forget(time.time() - 3600)
        assert (await visitor.get(result)).status_code == 200
        server.server.runtime.shelf.tasks.forget(time.time() + 1)
        assert (await visitor.get(result)).status_code == 404
        assert await status_of(visitor, task_id) == "UNKNOWN"
