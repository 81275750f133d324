"""What live sessions leave in the history, and who can read it."""

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pysubs2
import pytest

from http_calls import client
from live_server import KEY, Live, finish_task, hear, live, pcm, run_task, send_audio, until

pytestmark = pytest.mark.faults

OTHER = "sk-other"
KEYS = f"{KEY},{OTHER}"
SPOKEN = ("w41 w42", 2000, "w43")


async def say(server: Live, *parts: str | int, **parameters: Any) -> None:
    async with server.connect() as socket:
        await socket.send(run_task("a", **parameters))
        await send_audio(socket, pcm(*parts))
        await socket.send(finish_task("a"))
        assert (await hear(socket, "a")).finals("a")
    await server.at_rest()


async def recordings(server: Live, key: str = KEY, **query: Any) -> list[dict[str, Any]]:
    async with client(server, key) as visitor:
        answer = await visitor.get("/v1/history", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["recordings"]
    return found


async def kept(server: Live) -> dict[str, Any]:
    """The one recording, once it is written."""
    for _ in range(100):
        found = await recordings(server)
        if found and found[0]["sentences"] == 2:
            return found[0]
        await until(lambda: True)
    raise AssertionError("nothing was kept")


async def test_nothing_is_kept_unless_it_is_switched_on(tmp_path: Path) -> None:
    async with live(tmp_path) as server:
        await say(server, *SPOKEN)
        assert await recordings(server) == []
    assert not (tmp_path / "history").exists()


async def test_a_session_can_be_read_heard_and_exported(tmp_path: Path) -> None:
    async with live(tmp_path, history=True) as server:
        await say(server, *SPOKEN)
        row = await kept(server)
        assert (row["model"], row["begins"], row["has_audio"]) == ("fun-asr-realtime", "w41 w42", True)
        async with client(server) as visitor:
            whole = (await visitor.get(f"/v1/history/{row['id']}")).json()
            assert [sentence["id"] for sentence in whole["sentences"]] == [1, 2]
            assert (await visitor.get(f"/v1/history/{row['id']}?format=txt")).text == "w41 w42\nw43\n"
            for format in ("srt", "vtt"):
                text = (await visitor.get(f"/v1/history/{row['id']}?format={format}")).text
                assert [event.text for event in pysubs2.SSAFile.from_string(text)] == ["w41 w42", "w43"]
            sound = await visitor.get(f"/v1/history/{row['id']}/audio")
    sent = np.frombuffer(pcm(*SPOKEN), "<i2")
    with wave.open(io.BytesIO(sound.content)) as file:
        assert (file.getframerate(), file.getnchannels()) == (16_000, 1)
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    assert np.abs(heard[: len(sent)].astype(int) - sent).max() <= 2
    assert not heard[len(sent) :].any(), "only the silence that ends a session may follow"


async def test_words_are_found_whole_and_nothing_in_them_is_an_operator(tmp_path: Path) -> None:
    async with live(tmp_path, history=True) as server:
        await say(server, *SPOKEN)
        await kept(server)
        assert [row["begins"] for row in await recordings(server, q="W43")] == ["w43"]
        assert [row["begins"] for row in await recordings(server, q="w42 w41")] == ["w41 w42"]
        for nothing in ("w4", "w41 w43", 'w41" OR "w43', "NOT w99", "w41*"):
            found = [row["begins"] for row in await recordings(server, q=nothing)]
            assert found == (["w41 w42"] if nothing == "w41*" else [])


async def test_another_tenant_neither_finds_nor_deletes_it(tmp_path: Path) -> None:
    async with live(tmp_path, history=True, api_keys=KEYS) as server:
        await say(server, *SPOKEN)
        id = (await kept(server))["id"]
        assert await recordings(server, OTHER) == []
        async with client(server, OTHER) as thief:
            for path in (f"/v1/history/{id}", f"/v1/history/{id}/audio"):
                assert (await thief.get(path)).status_code == 404
            assert (await thief.delete(f"/v1/history/{id}")).status_code == 404
            assert (await thief.delete("/v1/history?before=9999999999")).json() == {"deleted": 0}
        assert await recordings(server)


async def test_what_is_deleted_leaves_neither_words_nor_sound(tmp_path: Path) -> None:
    async with live(tmp_path, history=True) as server:
        await say(server, *SPOKEN)
        id = (await kept(server))["id"]
        async with client(server) as visitor:
            assert (await visitor.delete(f"/v1/history/{id}")).json() == {"deleted": 1}
            assert (await visitor.get(f"/v1/history/{id}")).status_code == 404
        assert await recordings(server, q="w41") == []
    assert not list((tmp_path / "history").glob("*.pcm"))


async def test_sound_is_not_kept_where_only_words_are_wanted(tmp_path: Path) -> None:
    async with live(tmp_path, history=True, history_audio=False) as server:
        await say(server, *SPOKEN)
        row = await kept(server)
        assert not row["has_audio"]
        async with client(server) as visitor:
            assert (await visitor.get(f"/v1/history/{row['id']}/audio")).status_code == 404


async def test_a_disk_that_cannot_be_written_costs_the_history_alone(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("in the way")
    async with live(tmp_path, history=True) as server:
        await say(server, *SPOKEN)
        await until(lambda: server.server.runtime.recorder.left_out > 0)
        await say(server, *SPOKEN)
