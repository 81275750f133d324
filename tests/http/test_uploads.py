"""Recordings put down for a while: one permission, one file, one owner."""

import time
from pathlib import Path

import httpx
import pytest

from http_calls import CHAT, SAID, TWO_SENTENCES, chat, client, upload, wav
from live_server import live

pytestmark = pytest.mark.unit

ASK = "/api/v1/uploads?action=getPolicy&model=fun-asr"
SPEECH = wav(*TWO_SENTENCES)


async def put(policy: dict[str, str], key: str | None = None, body: bytes = SPEECH) -> httpx.Response:
    form = {"key": key or f"{policy['upload_dir']}/speech.wav", "success_action_status": "200"}
    async with httpx.AsyncClient(trust_env=False) as keyless:
        return await keyless.post(policy["upload_host"], data=form, files={"file": ("speech.wav", body)})


async def test_a_policy_has_all_that_clients_send_back(tmp_path: Path) -> None:
    async with live(tmp_path, max_upload_bytes=3 << 20) as server, client(server) as visitor:
        told = (await visitor.get(ASK)).json()
    assert told["request_id"]
    assert told["data"].keys() == {
        *("policy", "signature", "upload_dir", "upload_host", "expire_in_seconds", "max_file_size_mb"),
        *("oss_access_key_id", "x_oss_object_acl", "x_oss_forbid_overwrite"),
    }
    assert all(told["data"].values())
    assert told["data"]["max_file_size_mb"] == 3


@pytest.mark.parametrize("query", ["", "?action=other", "?action=getPolicy2"])
async def test_another_action_is_refused(tmp_path: Path, query: str) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        answer = await visitor.get(f"/api/v1/uploads{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


async def test_a_permission_is_good_for_one_file(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        policy = (await visitor.get(ASK)).json()["data"]
        assert (await put(policy)).status_code == 200
        again = await put(policy, body=wav("w3"))
        answer = await visitor.post(CHAT, json=chat(f"oss://{policy['upload_dir']}/speech.wav"))
    assert (again.status_code, again.json()["code"]) == (403, "AccessDenied")
    assert answer.json()["choices"][0]["message"]["content"] == SAID


async def test_a_permission_ends(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        uploads = server.server.runtime.shelf.uploads
        old = uploads.permit("tenant", time.time() - 301)
        policy = {"upload_host": f"{server.http}/api/v1/uploads/{old.secret}", "upload_dir": old.folder}
        assert (await put(policy)).status_code == 403
        policy["upload_host"] = f"{server.http}/api/v1/uploads/never-given"
        assert (await put(policy)).status_code == 403
        assert (await visitor.get(ASK)).status_code == 200


@pytest.mark.parametrize(
    "key", ["speech.wav", "other/speech.wav", "{dir}", "{dir}/", "{dir}/a/b.wav", "../{dir}/x.wav"]
)
async def test_a_key_outside_its_folder_is_refused(tmp_path: Path, key: str) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        policy = (await visitor.get(ASK)).json()["data"]
        answer = await put(policy, key.replace("{dir}", policy["upload_dir"]))
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidParameter")


async def test_a_name_is_only_a_name(tmp_path: Path) -> None:
    """It may look like a way out of the folder: it never becomes a path."""
    async with live(tmp_path) as server, client(server) as visitor:
        policy = (await visitor.get(ASK)).json()["data"]
        address = f"{policy['upload_dir']}/..%2f..%2fkeys.json\u202e 录音.wav"
        assert (await put(policy, address)).status_code == 200
        answer = await visitor.post(CHAT, json=chat(f"oss://{address}"))
        assert answer.json()["choices"][0]["message"]["content"] == SAID
        kept = [path.name for path in (tmp_path / "uploads").iterdir()]
    assert kept == [policy["upload_dir"].rpartition("/")[2]]


async def test_too_large_a_file_is_refused_and_not_kept(tmp_path: Path) -> None:
    async with live(tmp_path, max_upload_bytes=8192) as server, client(server) as visitor:
        policy = (await visitor.get(ASK)).json()["data"]
        answer = await put(policy)
        assert (answer.status_code, answer.json()["code"]) == (413, "PayloadTooLarge")
        assert (await put(policy, body=wav("w3")[:4000])).status_code == 200


async def test_when_there_is_no_room_uploads_are_refused(tmp_path: Path) -> None:
    async with live(tmp_path, max_stored_bytes=len(SPEECH) + 1000) as server, client(server) as visitor:
        await upload(visitor, SPEECH)
        policy = (await visitor.get(ASK)).json()["data"]
        answer = await put(policy)
        assert (answer.status_code, answer.json()["code"]) == (503, "ServiceUnavailable")
        assert len(list((tmp_path / "uploads").iterdir())) == 1


async def test_old_files_are_deleted(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        address = await upload(visitor, SPEECH)
        server.server.runtime.shelf.uploads.forget(time.time() + 1)
        answer = await visitor.post(CHAT, json=chat(address))
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidURL")
        assert not list((tmp_path / "uploads").iterdir())


async def test_permissions_that_nobody_uses_are_limited(tmp_path: Path) -> None:
    async with live(tmp_path) as server, client(server) as visitor:
        uploads = server.server.runtime.shelf.uploads
        tenant = server.server.keys.find("sk-for-tests").tenant.name
        for _ in range(200):
            uploads.permit(tenant, time.time())
        assert (await visitor.get(ASK)).status_code == 429
        assert uploads.permit("another tenant", time.time())
        assert uploads.permit(tenant, time.time() + 301)
