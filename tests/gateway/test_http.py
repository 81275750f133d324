"""The plain questions over HTTP."""

import re
from pathlib import Path

import httpx
import pytest

from live_server import KEY, live, pcm, run_task, until, whole_task
from stenowire import __version__

pytestmark = pytest.mark.unit


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.get(url)


async def test_the_plain_questions_are_answered(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        assert (await get(server.http + "/health")).json() == {"status": "ok"}
        assert (await get(server.http + "/ready")).json() == {"status": "ready"}
        assert (await get(server.http + "/version")).json()["version"] == __version__
        assert "/api-ws/v1/inference" in (await get(server.http + "/docs")).text


async def test_each_model_name_says_what_stands_behind_it(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        listing = (await get(server.http + "/v1/models")).json()
    cards = {card["id"]: card for card in listing["data"]}
    assert listing["object"] == "list" and cards["fun-asr-realtime"]["object"] == "model"
    assert cards["fun-asr-realtime"]["engine"] == "scripted"
    assert cards["fun-asr-realtime"]["languages"] == ["en"]
    assert cards["fun-asr-realtime"]["description"]


async def test_ready_says_why_not(tmp_path: Path) -> None:
    async with live(tmp_path, max_streams=1) as server, server.connect() as client:
        await client.send(run_task("a"))
        await client.recv()
        full = await get(server.http + "/ready")
        assert (full.status_code, full.json()) == (503, {"status": "full"})
        server.admission.draining = True
        draining = await get(server.http + "/ready")
        assert (draining.status_code, draining.json()) == (503, {"status": "draining"})
        server.admission.draining = False
        runtime = server.server.runtime
        hub, runtime._hub = runtime._hub, None
        loading = await get(server.http + "/ready")
        assert (loading.status_code, loading.json()) == (503, {"status": "loading"})
        assert (await get(server.http + "/v1/models")).status_code == 503
        runtime._hub = hub


async def test_an_unknown_path_is_told_in_the_common_shape(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        missing = await get(server.http + "/v2/models")
        assert missing.status_code == 404 and missing.json()["code"] == "NotFound"
        assert missing.headers["x-request-id"] == missing.json()["request_id"]


def value(metrics: str, name: str) -> float:
    return next(float(line.rpartition(" ")[2]) for line in metrics.splitlines() if line.startswith(name + " "))


async def test_metrics_count_what_happened_and_name_nobody(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        async with server.connect() as client:
            await whole_task(client, "some-task", pcm("w41 w42", 2000, "w43"), max_sentence_silence=300)
            await client.send(run_task("bad", format="vorbis"))
            await client.recv()
        await server.at_rest()
        await until(lambda: bool(server.server.runtime.metrics.lag_s.collect()))
        metrics = (await get(server.http + "/metrics")).text
    assert value(metrics, "stenowire_sessions") == value(metrics, "stenowire_connections") == 0
    assert value(metrics, 'stenowire_sessions_ended_total{outcome="finished"}') == 1
    assert value(metrics, "stenowire_finals_total") == 2
    assert value(metrics, "stenowire_audio_seconds_total") == pytest.approx(3.5, abs=0.2)
    assert value(metrics, "stenowire_finalization_seconds_count") == 2
    assert value(metrics, 'stenowire_step_seconds_count{kind="beam"}') + value(
        metrics, 'stenowire_step_seconds_count{kind="listen"}'
    )
    assert value(metrics, "process_resident_memory_bytes") > 0
    for secret in (KEY, "some-task", "w41", "w43", "tenant"):
        assert secret not in metrics


async def test_the_metrics_are_those_that_the_documentation_names(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        metrics = (await get(server.http + "/metrics")).text
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    table = page.partition("## Metrics")[2].partition("## ")[0]
    told = set(re.findall(r"`(stenowire_\w+)", table))
    kept = {line.split()[2] for line in metrics.splitlines() if line.startswith("# TYPE stenowire_")}
    created = {name for name in kept if name.endswith("_created")}
    assert told == kept - created
