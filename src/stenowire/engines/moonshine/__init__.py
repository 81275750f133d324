"""Moonshine tiny, the engine that is always there."""

from stenowire.engines.moonshine.build import build_graphs
from stenowire.engines.moonshine.engine import MoonshineEngine

__all__ = ["MoonshineEngine", "build_graphs"]
