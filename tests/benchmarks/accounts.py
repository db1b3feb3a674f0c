"""Settings with many accounts, so that a benchmark can fill the screen with one provider."""

from __future__ import annotations


def settings_text(accounts: int) -> str:
    """A settings file whose accounts each have a key of their own."""
    tables = [
        f"[providers.zai.accounts.n{number:02}]\nextras = false\n"
        f'api_key = "key-number-{number:02}.for-a-bench"\n'
        for number in range(accounts)
    ]
    return "version = 1\n" + "\n".join(tables)
