"""HTTPS for a network at home: a certificate that this machine signs itself, as browsers ask it of pages that listen.

Input: a folder. Output: the path of one PEM file with key and certificate, mode 0600, made when there is none, when it
ends soon, or when the machine has got a name or address that is not in it.
"""

import datetime
import ipaddress
import os
import secrets
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import ifaddr
import structlog

if TYPE_CHECKING:
    from cryptography.x509 import GeneralName

from stenowire.settings import BadSettings, Settings

log = structlog.get_logger(__name__)

VALID_DAYS = 365
"""Apple's systems accept at most 825 for a certificate that was trusted by hand."""
RENEWED_DAYS = 30
FILE = "https.pem"


def certificate(settings: Settings) -> tuple[Path, Path] | None:
    """Certificate and key to serve with; None for plain HTTP. Raises BadSettings."""
    if settings.cert is not None:
        pair = settings.cert, settings.cert_key or settings.cert
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(*pair)
        except OSError as error:
            raise BadSettings(f"cert: {pair[0]} and its key cannot be used: {error.strerror or error}") from None
        return pair
    return (own(settings.data),) * 2 if settings.https else None


def own(folder: Path) -> Path:
    path = folder / FILE
    try:
        names = names_of_this_machine()
        if not _good(path, names):
            folder.mkdir(parents=True, exist_ok=True)
            _write(path, _made(names))
            log.info("certificate made", path=str(path), names=len(names))
    except OSError as error:
        raise BadSettings(f"data: cannot keep a certificate in {path}: {error.strerror or error}") from None
    return path


def names_of_this_machine() -> list[str]:
    """How it may be reached: names, then addresses that are not of one link alone."""
    host = socket.gethostname().partition(".")[0].lower()
    names = ["localhost"]
    if host and host.replace("-", "").isalnum() and host.isascii():
        names += [name for name in (host, f"{host}.local") if name not in names]
    found = {"127.0.0.1", "::1"}
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            address = ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
            if not address.is_link_local:
                found.add(str(address))
    return [*names, *sorted(found)]


def reachable() -> list[str]:
    """Addresses for other machines on the network: of IPv4, the ones that people can read aloud."""
    addresses = [name for name in names_of_this_machine() if name[0].isdecimal() and ":" not in name]
    return [address for address in addresses if not ipaddress.ip_address(address).is_loopback]


def fingerprint(path: Path) -> str:
    """SHA-256 of the certificate, as browsers show it, for people to compare."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256()).hex(":").upper()


def _good(path: Path, names: list[str]) -> bool:
    from cryptography import x509

    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
        told = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (FileNotFoundError, ValueError, x509.ExtensionNotFound):
        return False
    held = {*told.get_values_for_type(x509.DNSName), *map(str, told.get_values_for_type(x509.IPAddress))}
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return set(names) <= held and left > datetime.timedelta(days=RENEWED_DAYS)


def _made(names: list[str]) -> bytes:
    """Key and certificate in PEM. It is its own authority, so that it can be trusted by hand."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Stenowire on {socket.gethostname()}"[:64])])
    now = datetime.datetime.now(datetime.UTC)
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    own_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(own_id, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own_id), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return secret + certificate.public_bytes(serialization.Encoding.PEM)


def _general(name: str) -> "GeneralName":
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all, and readable by its owner only from the first byte."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
