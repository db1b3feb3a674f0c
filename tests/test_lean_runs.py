"""A run for one provider: the others are not loaded, and still nothing of theirs leaks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tui.core.models import ProviderKey
from tui.providers import load_providers
from tui.providers._spec import Program
from tui.runtime import Deck, Options

ONE = "kimi-k2"


def test_only_the_named_declarations_are_loaded() -> None:
    assert set(load_providers((ONE,)).specs) == {ONE}
    assert load_providers((ONE,)).specs[ONE] is load_providers().specs[ONE]


@pytest.mark.skipif(sys.platform == "win32", reason="runs the program env")
async def test_a_program_gets_no_secret_of_a_provider_that_is_not_loaded(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("Z_AI_API_KEY", "zai-secret-0123456789")
    monkeypatch.setenv("KIMI_K2_API_KEY", "k2-secret-0123456789")
    deck = Deck(options=Options(only=(ONE,), lean=True))
    accounts = deck.open()
    spec = accounts.registry.specs[ONE]
    monkeypatch.setitem(
        accounts.registry.specs, ONE, replace(spec, programs=(Program(name="env"),))
    )
    try:
        opened = await accounts.open(ProviderKey(ONE), user_initiated=False)
        program = opened.ctx.commands.find("env")
        assert program is not None
        result = await opened.ctx.commands.run(program, timeout_s=10)
    finally:
        await deck.aclose()
    assert "k2-secret" in result.stdout
    assert "zai-secret" not in result.stdout
