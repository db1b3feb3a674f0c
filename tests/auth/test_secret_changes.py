"""Secrets that change together with something else."""

from __future__ import annotations

import pytest

from tui.auth import StoreError, StoreLocked
from tui.auth.memory_store import MemoryStore
from tui.auth.secret_changes import changed_secrets
from tui.core.redact import Secret


def store() -> MemoryStore:
    return MemoryStore({("alpha", "api_key"): Secret("old-key-value")})


class HalfFull(MemoryStore):
    """Keeps nothing for one field."""

    async def set(
        self, key: str, field: str, value: Secret, *, user_initiated: bool = False
    ) -> None:
        if field == "second":
            raise StoreError("The disk is full.")
        await super().set(key, field, value)


async def test_secrets_are_changed_and_forgotten() -> None:
    kept = store()
    async with changed_secrets(kept, "alpha", {"api_key": None, "token": Secret("new")}):
        pass
    assert await kept.names() == [("alpha", "token")]


async def test_what_fails_beside_them_brings_the_old_ones_back() -> None:
    kept = store()
    with pytest.raises(RuntimeError):
        async with changed_secrets(kept, "alpha", {"api_key": Secret("x"), "token": Secret("y")}):
            raise RuntimeError
    assert await kept.get("alpha", "api_key") == Secret("old-key-value")
    assert await kept.names() == [("alpha", "api_key")]


async def test_a_second_secret_that_cannot_be_kept_brings_the_first_one_back() -> None:
    kept = HalfFull({("alpha", "api_key"): Secret("old-key-value")})
    with pytest.raises(StoreError):
        async with changed_secrets(
            kept, "alpha", {"api_key": Secret("new"), "second": Secret("new")}
        ):
            raise AssertionError
    assert await kept.get("alpha", "api_key") == Secret("old-key-value")


@pytest.mark.parametrize(
    "reason", [StoreLocked("The key store is locked."), StoreError("The file is damaged.")]
)
async def test_a_store_that_cannot_be_read_does_not_stop_a_new_secret(reason: Exception) -> None:
    class Unreadable(MemoryStore):
        async def get(self, key: str, field: str, *, user_initiated: bool = False) -> Secret | None:
            raise reason

    kept = Unreadable()
    async with changed_secrets(kept, "alpha", {"api_key": Secret("new")}):
        pass
    assert await kept.names() == [("alpha", "api_key")]
