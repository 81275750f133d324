"""The engines of this process: loaded once, found by the model names that clients use.

In: a folder of models. Out: an engine for a name and a language, or the error that the client gets.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import structlog

from stenowire.audio.vad import SpeechDetector
from stenowire.biasing.pronounce import SILENT, Lexicon, open_lexicon
from stenowire.engines.at_rate import at_session_rate
from stenowire.engines.base import Engine
from stenowire.engines.registry import BY_NAME, EMBEDDED, LEXICON, TABLE
from stenowire.errors import ModelNotFound, UnsupportedLanguage
from stenowire.models.errors import ModelUnavailable
from stenowire.models.fetch import ensure
from stenowire.types import EngineInfo

log = structlog.get_logger(__name__)

Progress = Callable[[str, int, int], None]


class ModelCard(msgspec.Struct, frozen=True):
    """What stands behind a model name, said to people."""

    id: str
    door: str
    engine: str
    languages: tuple[str, ...]
    biasing: str
    description: str


class Hub:
    """`engine` and `detector` are given by tests; otherwise `load` fetches and opens the embedded ones."""

    def __init__(self, engine: Engine | None = None, detector: Any = None) -> None:
        self._engine = engine and at_session_rate(engine)
        self._detector = detector

    def load(self, root: Path, progress: Progress | None = None) -> None:
        """Fetch what is missing, build, load and run once. Blocks; raises ModelUnavailable. Call it in a thread."""
        # Imported late: the command's help must not wait for ONNX Runtime.
        from stenowire.engines.moonshine import MoonshineEngine
        from stenowire.serving.biased import BiasedEngine

        detector = SpeechDetector(ensure("silero-vad", root, progress))
        engine = BiasedEngine(MoonshineEngine(ensure(EMBEDDED, root, progress)), _lexicon(root, progress))
        detector.warm_up()
        engine.warm_up()
        self._engine, self._detector = at_session_rate(engine), detector

    @property
    def ready(self) -> bool:
        return self._engine is not None and self._detector is not None

    @property
    def engine(self) -> Engine:
        if self._engine is None:
            raise RuntimeError("the hub is not loaded")
        return self._engine

    @property
    def detector(self) -> Any:
        if self._detector is None:
            raise RuntimeError("the hub is not loaded")
        return self._detector

    def resolve(self, model: str, language: str | None) -> EngineInfo:
        """The engine behind a model name. Raises ModelNotFound, UnsupportedLanguage."""
        info = self.engine.info
        if model not in BY_NAME and model != info.name:
            raise ModelNotFound("Model not exist.", "payload.model")
        if language and language.split("-")[0].lower() not in (*info.languages, "auto"):
            covered = ", ".join(info.languages)
            raise UnsupportedLanguage(
                f"language_hints: {language!r} is not covered; {model} is served by {info.name}, which knows {covered}",
                "payload.parameters.language_hints",
            )
        return info

    def models(self) -> list[ModelCard]:
        """One card per accepted name."""
        info = self.engine.info
        said = (info.name, info.languages, info.biasing, info.description)
        return [ModelCard(row.model, row.door, *said) for row in TABLE]


def _lexicon(root: Path, progress: Progress | None) -> Lexicon:
    """Without its dictionary a server still recognises: hot words are then found by their spelling alone."""
    try:
        return open_lexicon(ensure(LEXICON, root, progress))
    except (ModelUnavailable, OSError) as error:
        log.warning("no pronouncing dictionary: hot words are found by spelling only", reason=str(error))
        return SILENT
