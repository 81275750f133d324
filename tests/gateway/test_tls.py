"""The certificate of one's own making: what is in it, who can read it, when it is made anew, and that it works."""

import ssl
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import websockets
from cryptography import x509

from live_server import KEY, PATH, finish_task, hear, live, pcm, run_task, send_audio
from stenowire.gateway import tls
from stenowire.gateway.banner import invitation
from stenowire.settings import BadSettings, Settings

pytestmark = pytest.mark.unit


def told(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def names(path: Path) -> set[str]:
    extension = told(path).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {*extension.get_values_for_type(x509.DNSName), *map(str, extension.get_values_for_type(x509.IPAddress))}


def test_it_names_this_machine_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tls.own(tmp_path)
    assert {"localhost", "127.0.0.1", "::1", *tls.names_of_this_machine()} <= names(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert told(path).not_valid_after_utc - told(path).not_valid_before_utc < timedelta(days=398)


def test_it_is_kept_until_it_ends_soon_or_the_machine_has_a_new_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tls.own(tmp_path).read_bytes()
    assert tls.own(tmp_path).read_bytes() == first
    monkeypatch.setattr(tls, "names_of_this_machine", lambda: ["localhost", "192.0.2.7"])
    second = tls.own(tmp_path).read_bytes()
    assert second != first and "192.0.2.7" in names(tmp_path / tls.FILE)
    monkeypatch.setattr(tls, "RENEWED_DAYS", tls.VALID_DAYS + 1)
    assert tls.own(tmp_path).read_bytes() != second
    (tmp_path / tls.FILE).write_bytes(b"damaged")
    assert names(tls.own(tmp_path))


async def test_a_client_that_trusts_it_speaks_https_and_wss(tmp_path: Path) -> None:
    async with live(tmp_path, https=True) as server:
        trusted = ssl.create_default_context(cafile=str(tmp_path / tls.FILE))
        port = server.server.url.rpartition(":")[2]
        async with httpx.AsyncClient(verify=trusted, trust_env=False) as http:
            assert (await http.get(f"https://localhost:{port}/ready")).status_code == 200
        async with websockets.connect(
            f"wss://127.0.0.1:{port}{PATH}", ssl=trusted, additional_headers={"Authorization": f"Bearer {KEY}"}
        ) as client:
            await client.send(run_task("t"))
            await send_audio(client, pcm("w3 w7", 1500))
            await client.send(finish_task("t"))
            assert (await hear(client, "t")).finals("t") == ["w3 w7"]


def test_https_is_for_the_network_unless_a_host_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STENOWIRE_HOST", raising=False)
    assert Settings.load(https=True).address == "0.0.0.0"
    assert Settings.load(https=True, host="127.0.0.1").address == "127.0.0.1"
    assert Settings.load().address == "127.0.0.1"


def test_the_greeting_shows_the_fingerprint_and_addresses_of_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls, "names_of_this_machine", lambda: ["localhost", "127.0.0.1", "192.0.2.7", "2001:db8::1"])
    tls.own(tmp_path)
    settings = Settings.load(https=True, data=tmp_path)
    said = "\n".join(invitation("wss://127.0.0.1:8090", settings, "sw-key"))
    assert "https://127.0.0.1:8090/#key=sw-key" in said and "https://192.0.2.7:8090/#key=sw-key" in said
    assert tls.fingerprint(tmp_path / tls.FILE) in said
    assert "#key" not in "\n".join(invitation("wss://127.0.0.1:8090", settings, None))


def test_a_certificate_of_ones_own_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "mine.pem").write_text("nothing", encoding="utf-8")
    with pytest.raises(BadSettings, match=r"cert: .*mine\.pem"):
        tls.certificate(Settings.load(cert=tmp_path / "mine.pem", data=tmp_path))
    with pytest.raises(BadSettings, match=r"cert: .*none\.pem"):
        tls.certificate(Settings.load(cert=tmp_path / "none.pem", data=tmp_path))
    own = tls.own(tmp_path)
    assert tls.certificate(Settings.load(cert=own, data=tmp_path)) == (own, own)
