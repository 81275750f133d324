"""Several servers on one PostgreSQL and one Redis: one set of keys, tenants, lists and quotas."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import websockets
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from faults.daemons import postgres, redis
from faults.store_process import served
from live_server import hear_all, pcm, run_task, whole_task
from stenowire.errors import ServiceUnavailable
from stenowire.settings import BadSettings, Settings
from stenowire.store import schema
from stenowire.store.accounts import Accounts
from stenowire.store.connect import Store
from stenowire.store.entries import Entry
from stenowire.store.keys import KeyRing
from stenowire.store.pepper import Pepper
from stenowire.store.usage import Usage
from stenowire.store.vocabularies import NotThere, Vocabularies

pytestmark = pytest.mark.faults

WORKER = Path(__file__).with_name("account_worker.py")
PEPPER = "a pepper that all of them share 0123456789"
PROCESSES, ROUNDS = 4, 25


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    with postgres() as url:
        yield url


def accounts_of(data: Path, url: str) -> Accounts:
    loaded = Settings.load(data=data, store=url, pepper=PEPPER)
    return Accounts(Store.of(loaded), Pepper.of(loaded))


def test_four_processes_begin_a_store_together_and_their_work_adds_up(database: str, tmp_path: Path) -> None:
    """The first start of all: one of them migrates, one of them makes the first key."""
    arguments = [sys.executable, str(WORKER), str(tmp_path), database, str(ROUNDS)]
    environment = os.environ | {"STENOWIRE_PEPPER": PEPPER}
    workers = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(PROCESSES)
    ]
    said = [worker.communicate()[0].split() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * PROCESSES
    made = [key for (key,) in said if key != "none"]
    assert len(made) == 1
    accounts = accounts_of(tmp_path, database)
    assert KeyRing.open(Settings.load(data=tmp_path, store=database, pepper=PEPPER)).find(made[0])
    keys = accounts.list_keys("acme")
    assert len(keys) == PROCESSES * ROUNDS and all(key.revoked for key in keys)
    (used,) = Usage(accounts.store).read(0, "acme")
    assert (used.sessions, used.audio_ms) == (PROCESSES * ROUNDS, PROCESSES * ROUNDS * 100)
    with accounts.store.reading() as db:
        assert compare_metadata(MigrationContext.configure(db), schema.metadata) == []


def test_a_machine_with_another_pepper_is_told(database: str, tmp_path: Path) -> None:
    accounts_of(tmp_path, database).create_key("acme")
    with pytest.raises(BadSettings, match="another pepper") as refused:
        KeyRing.open(Settings.load(data=tmp_path, store=database, pepper="another one, and long enough too"))
    assert "canary-password" not in str(refused.value)


def test_lists_of_one_tenant_are_nothing_to_another(database: str, tmp_path: Path) -> None:
    lists = Vocabularies(accounts_of(tmp_path, database).store, 10)
    entry = Entry(text="Bulge Bracket", weight=4)
    made = lists.create("acme", "words", "fun-asr-realtime", [entry])
    for reach in (lambda: lists.get("other", made.id), lambda: lists.replace("other", made.id, []),
                  lambda: lists.delete("other", made.id)):  # fmt: skip
        with pytest.raises(NotThere):
            reach()
    assert lists.page("other", None, 0, 10) == []
    assert lists.get("acme", made.id).entries == (entry,)


async def test_two_servers_share_keys_temporary_keys_revocation_and_quotas(database: str, tmp_path: Path) -> None:
    with redis() as counter:
        settings = {"store": database, "pepper": PEPPER, "redis": counter.url}
        accounts = accounts_of(tmp_path, database)
        key, made = accounts.create_key("shared")
        accounts.limit_tenant("shared", {"streams": 1})
        async with served(tmp_path / "one", **settings) as one, served(tmp_path / "two", **settings) as two:
            async with one.http(key) as visitor:
                token = (await visitor.post("/api/v1/tokens")).json()["token"]
            async with one.connect(key) as first, two.connect(token) as second:
                await first.send(run_task("a"))
                assert json.loads(await first.recv())["header"]["event"] == "task-started"
                await second.send(run_task("b"))
                assert ((await hear_all(second)).failure("b") or ("",))[0] == "Throttling.RateQuota"
            async with two.connect(token) as socket:
                await _until_free(socket)
                accounts.revoke(made.id)
                await hear_all(socket)
            with pytest.raises(websockets.InvalidStatus, match="401"):
                await two.connect(token)


async def _until_free(socket: websockets.ClientConnection) -> None:
    """The place of a session that has ended elsewhere is given up a moment later."""
    for number in range(100):
        heard = await whole_task(socket, f"t{number}", pcm("w3"))
        if heard.failure(f"t{number}") is None:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the place was never given up")


async def test_a_server_outlives_its_database(tmp_path: Path) -> None:
    with postgres() as url:
        accounts = accounts_of(tmp_path, url)
        key, _ = accounts.create_key("acme")
        running = served(tmp_path / "one", store=url, pepper=PEPPER)
        server = await running.__aenter__()
    try:
        async with server.connect(key) as socket:
            assert (await whole_task(socket, "a", pcm("w3"))).finals("a") == ["w3"]
        with pytest.raises(websockets.InvalidStatus, match="503"):
            await server.connect("sk-" + "x" * 51)
        with pytest.raises(ServiceUnavailable):
            accounts.list_keys()
    finally:
        await running.__aexit__(None, None, None)
    assert server.process.returncode == 0
