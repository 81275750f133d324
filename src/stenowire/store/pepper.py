"""The server's pepper: without it, what the store holds of keys is of no use to whoever gets hold of it.

Input: the setting, or the file `pepper` in the data folder (mode 0600), made at first start. Output: the pepper, which
several processes on one store must share. It is text, so that a file's content can be given to another machine as the
setting.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

import structlog

from stenowire.settings import BadSettings, Settings

log = structlog.get_logger(__name__)

PEPPER_BYTES = 32
LEAST_CHARS = 32


class Pepper:
    def __init__(self, text: str) -> None:
        self._secret = text.encode()

    @classmethod
    def of(cls, settings: Settings) -> "Pepper":
        """Raises BadSettings when there is none and none can be kept."""
        if settings.pepper is not None:
            return cls(settings.pepper.get_secret_value())
        path = settings.data / "pepper"
        try:
            return cls(_kept(path))
        except OSError as error:
            reason = error.strerror or str(error)
            if not settings.api_keys:
                raise BadSettings(f"data: cannot keep keys in {settings.data}: {reason}") from None
            # The keys of the settings need nothing kept: temporary keys then end with this process.
            log.warning("no pepper can be kept", path=str(path), reason=reason)
            return cls(secrets.token_hex(PEPPER_BYTES))

    def mac(self, key: str) -> bytes:
        """What is stored of a key. Its digest is hashed, as that is all that former versions stored."""
        return self.mac_of_digest(hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest())

    def mac_of_digest(self, digest: bytes) -> bytes:
        return hmac.digest(self._secret, b"key:" + digest, hashlib.sha256)

    def sign(self, purpose: bytes, message: bytes) -> bytes:
        """32 bytes, for the purpose alone."""
        return hmac.digest(self._secret, purpose + b":" + message, hashlib.sha256)

    @property
    def fingerprint(self) -> bytes:
        """Tells peppers apart, and does not give this one away."""
        return self.sign(b"fingerprint", b"")


def _kept(path: Path) -> str:
    """The pepper in the file, made now if there is none. Of several processes that begin at once, one makes it."""
    if not path.exists():
        write_once(path, secrets.token_hex(PEPPER_BYTES).encode() + b"\n")
    text = path.read_text(encoding="utf-8").strip()
    if len(text) < LEAST_CHARS:
        raise BadSettings(f"data: {path} is damaged: a pepper has at least {LEAST_CHARS} characters")
    return text


def write_once(path: Path, content: bytes) -> bool:
    """Write the file whole and durably, readable by its owner only. False when another process wrote one first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True
