"""A server that is killed in the middle of a background task, and the next one on the same folder."""

from pathlib import Path

import httpx
import pytest

from http_calls import ASYNC, FILES, SAID, TWO_SENTENCES, ended, files, scripted_process, upload, wav
from live_server import KEY, until
from stenowire.gateway.http import transcriber

pytestmark = pytest.mark.faults

HEADERS = {"Authorization": f"Bearer {KEY}"}


async def test_a_killed_server_loses_no_task(tmp_path: Path) -> None:
    """The second of two files is being heard when the process dies: the first is not heard again."""
    with scripted_process(tmp_path, step_s=0.0) as (_, url):
        async with httpx.AsyncClient(base_url=url, headers=HEADERS, trust_env=False) as visitor:
            quick, slow = await upload(visitor, wav(*TWO_SENTENCES)), await upload(visitor, wav("w50 w51"))
    with scripted_process(tmp_path, step_s=1.5) as (process, url):
        async with httpx.AsyncClient(base_url=url, headers=HEADERS, trust_env=False) as visitor:
            task_id = (await visitor.post(FILES, json=files(quick, slow), headers=ASYNC)).json()["output"]["task_id"]
            log = tmp_path / "stdout"
            await until(lambda: "recording ended" in log.read_text(encoding="utf-8"))
        process.kill()
        process.wait()
    with scripted_process(tmp_path) as (_, url):
        async with httpx.AsyncClient(base_url=url, headers=HEADERS, trust_env=False) as visitor:
            output = (await ended(visitor, task_id, patience_s=transcriber.LEASE_S + 20))["output"]
            assert output["task_status"] == "SUCCEEDED"
            texts = [
                (await visitor.get(result["transcription_url"])).json()["transcripts"][0]["text"]
                for result in output["results"]
            ]
        assert texts == [SAID, "w50 w51"]
        log = (tmp_path / "stdout").read_text(encoding="utf-8")
        assert f"{task_id}-1" in log and f"{task_id}-0" not in log
