"""The manifest: what may stand in it, and what the packaged one promises."""

import msgspec
import pytest

from stenowire.models import manifest
from stenowire.models.errors import ModelUnavailable

pytestmark = pytest.mark.unit

ENTRY = """
[tiny]
[tiny.wheel]
project = "tiny-weights"
version = "1.0"
[[tiny.files]]
name = "{name}"
member = "tiny_weights/data/weights.bin"
size = 3
sha256 = "{sha256}"
"""


def test_the_packaged_manifest_names_every_file_once() -> None:
    models = manifest.packaged()
    assert set(models) == {"moonshine-tiny-en", "silero-vad", "cmudict"}
    for model in models.values():
        names = [file.name for file in model.files]
        assert len(names) == len(set(names)) > 0
        assert model.licence.startswith(("MIT", "BSD"))


@pytest.mark.parametrize("name", ["../weights.bin", "a/b", "", ".hidden", "C:weights"])
def test_a_file_name_cannot_lead_out_of_the_folder(name: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        manifest.parse(ENTRY.format(name=name, sha256="0" * 64))


def test_a_checksum_must_be_a_whole_sha256() -> None:
    with pytest.raises(msgspec.ValidationError):
        manifest.parse(ENTRY.format(name="weights.bin", sha256="0" * 63))


def test_an_unknown_model_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ModelUnavailable, match="no model named 'whale'; there are: cmudict, moonshine-tiny-en"):
        manifest.look_up("whale")
