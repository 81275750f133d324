"""The import graph points down, and nothing below `serving` knows of loops, sockets or clocks."""

import ast
from pathlib import Path

import pytest

import stenowire

pytestmark = pytest.mark.unit

PACKAGE = Path(stenowire.__file__).parent

ALLOWED = {
    "types": set(),
    "errors": set(),
    "events": {"types", "errors"},
    "text": {"types", "errors"},
    "audio": {"types", "errors"},
    "models": {"types", "errors"},
    "dialects": {"types", "errors", "events", "text"},
    "core": {"types", "errors", "events", "audio", "text"},
    "biasing": {"types", "errors", "text"},
    "engines": {"types", "errors", "audio", "text", "models", "biasing"},
    "settings": {"types", "errors"},
    "store": {"types", "errors", "settings"},
    "serving": {
        "types",
        "errors",
        "events",
        "core",
        "engines",
        "biasing",
        "audio",
        "text",
        "models",
        "dialects",
        "store",
    },
    "gateway": {"types", "errors", "events", "settings", "store", "dialects", "serving", "core", "engines", "text"},
    "client": {"types", "errors", "events", "dialects", "audio", "text"},
}
"""Layer -> layers it may import. `cli` may import all of them."""

SILENT = {"types", "errors", "events", "dialects", "core", "biasing", "text", "audio", "engines"}
NOISY_MODULES = {"asyncio", "socket", "select", "selectors", "time", "datetime", "threading", "subprocess"}


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


MODULES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    here = layer(path)
    if here in {"cli", "__init__", "__main__"}:
        return
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "stenowire" and len(parts) > 1 and parts[1] not in {here, "__version__"}:
            assert parts[1] in ALLOWED[here], f"{here} must not import {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_layers_below_serving_are_silent(path: Path) -> None:
    if layer(path) in SILENT:
        assert not {name.split(".")[0] for name in imports(path)} & NOISY_MODULES


def test_the_default_install_never_imports_torch() -> None:
    for path in MODULES:
        assert not {"torch", "ray", "transformers"} & {name.split(".")[0] for name in imports(path)}
