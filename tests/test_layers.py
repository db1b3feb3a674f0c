"""The house rules of design.md, section 2: who may import whom, and who may name a provider."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.providers import load_providers

ROOT = Path(__file__).parent.parent / "tui"
STANDARD_LIBRARY = sys.stdlib_module_names

LAYERS = {
    "core": 0,
    "gateways": 1,
    "auth": 2,
    "providers": 2,
    "engine": 3,
    "present": 3,
    "report": 3,
    "values": 3,
    "form": 3,
    "deck_api": 3,
    "faces": 3,
    "field_values": 3,
    "accounts": 4,
    "contexts": 3,
    "costs": 4,
    "trials": 4,
    "runtime": 4,
    "pages": 4,
    "demo": 4,
    "commands": 5,
    "cli": 5,
    "__main__": 5,
    "app": 5,
    "messages": 5,
    "screens": 5,
    "widgets": 5,
}
SCREEN_PARTS = ("app", "messages", "screens", "widgets")
STRANGERS = {("auth", "providers"), ("providers", "auth")}
WIDGETS_NEVER_SEE = ("engine", "runtime", "accounts", "gateways", "auth", "screens", "app")
SOURCES_NEVER_SEE = {"httpx", "os", "subprocess", "keyring", "browser_cookie3", "socket", "pathlib"}
MAY_REVEAL = ("gateways/http.py", "gateways/process.py", "auth/", "core/jwt.py", "core/redact.py")


def modules() -> Iterator[Path]:
    yield from sorted(ROOT.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, also inside functions, but not for type checking only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", modules(), ids=named)
def test_imports_go_downwards_only(path: Path) -> None:
    own = part_of(path)
    if own == "__init__":
        return
    for module in imports(path):
        if module == "tui" or not module.startswith("tui."):
            continue
        other = module.split(".")[1]
        if other == "__version__" or other == own:
            continue
        assert LAYERS[other] <= LAYERS[own], f"{named(path)} imports {module}"
        assert (own, other) not in STRANGERS, f"{named(path)} imports {module}"


@pytest.mark.parametrize("path", modules(), ids=named)
def test_only_the_screen_knows_textual(path: Path) -> None:
    if part_of(path) in SCREEN_PARTS:
        return
    foreign = {module.split(".")[0] for module in imports(path)}
    assert not foreign & {"textual", "rich"}


def test_the_core_is_standard_library_only() -> None:
    for path in (ROOT / "core").rglob("*.py"):
        for module in imports(path):
            top = module.split(".")[0]
            assert top == "tui" or top in STANDARD_LIBRARY, f"{named(path)} imports {module}"


def test_sources_reach_the_world_through_their_context_only() -> None:
    for path in (ROOT / "providers").rglob("*.py"):
        if path.relative_to(ROOT / "providers").parts[0].startswith("_"):
            continue
        for module in imports(path):
            assert module.split(".")[0] not in SOURCES_NEVER_SEE - {"pathlib"}, named(path)
            if module.startswith("tui."):
                allowed = module.startswith(("tui.core", "tui.providers"))
                assert allowed, f"{named(path)} imports {module}"
        calls = (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        for node in calls:
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "open", f"{named(path)} opens a file"


def test_widgets_see_neither_the_engine_nor_their_parents() -> None:
    for path in (ROOT / "widgets").rglob("*.py"):
        for module in imports(path):
            if module.startswith("tui."):
                assert module.split(".")[1] not in WIDGETS_NEVER_SEE, f"{named(path)}: {module}"


def test_secrets_are_revealed_at_the_edges_only() -> None:
    for path in modules():
        if named(path).startswith(MAY_REVEAL):
            continue
        assert ".reveal()" not in path.read_text(encoding="utf-8"), named(path)


@pytest.mark.parametrize(
    "module",
    [
        "tui.cli",
        "tui.engine",
        "tui.present.deck",
        "tui.present.details",
        "tui.report.document",
        "tui.report.table",
        "tui.runtime",
        "tui.accounts",
    ],
)
def test_headless_modules_do_not_load_textual(module: str) -> None:
    code = f"import sys, {module}; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_first_frame_does_not_wait_for_the_network_or_the_providers() -> None:
    late = "('httpx', 'keyring', 'psutil', 'tui.providers', 'tui.engine', 'tui.auth')"
    code = f"import sys, tui.runtime; print(*(m for m in {late} if m in sys.modules), end='')"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == ""


def test_no_provider_is_named_outside_its_module() -> None:
    ids = set(load_providers().specs)
    for path in modules():
        if part_of(path) in ("providers", "demo"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert node.value not in ids, f"{named(path)} names {node.value}"
