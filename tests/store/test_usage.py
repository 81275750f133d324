"""What keys used: sums that add up whoever writes them, and that outlive a store that is away."""

from pathlib import Path

import pytest

from stenowire.errors import ServiceUnavailable
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing
from stenowire.store.usage import Usage

pytestmark = pytest.mark.unit


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.open(Settings.load(data=tmp_path))


def test_batches_of_several_processes_add_up(ring: KeyRing) -> None:
    _, key = ring.accounts.create_key("acme")
    for _ in range(3):
        process = Usage(ring.accounts.store)
        process.add(key.id, "acme", sessions=1, audio_ms=1500)
        process.add(key.id, "acme", requests=2)
        process.add("", "acme", sessions=1)
        process.write(process.take())
        assert process.take() == []
    by_key = {row.key: row for row in Usage(ring.accounts.store).read(0, "acme")}
    assert (by_key[key.id].sessions, by_key[key.id].requests, by_key[key.id].audio_ms) == (3, 6, 4500)
    assert (by_key[""].sessions, by_key[""].audio_ms) == (3, 0)
    assert Usage(ring.accounts.store).read(0, "other") == []
    assert [row.used is not None for row in ring.accounts.list_keys("acme")] == [True]


def test_what_could_not_be_written_is_written_later(ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = Usage(ring.accounts.store)
    usage.add("k", "acme", audio_ms=1000)
    batch = usage.take()
    with monkeypatch.context() as broken:
        broken.setattr(ring.accounts.store, "_ready", lambda: (_ for _ in ()).throw(OSError(28, "full")))
        with pytest.raises(ServiceUnavailable):
            usage.write(batch)
    usage.add("k", "acme", audio_ms=500)
    usage.put_back(batch)
    usage.write(usage.take())
    assert [row.audio_ms for row in usage.read(0)] == [1500]
