"""Keys of accounts as names of widgets and files."""

from __future__ import annotations

from itertools import combinations

from tui.core.models import ProviderKey


def test_no_two_accounts_share_a_card_or_a_file() -> None:
    names = ("工作", "个人", "a b", "a-b", "a_b", "a:b", "a_20_b", "é", "e")
    keys = [ProviderKey("zai", name) for name in names]
    keys += [ProviderKey("kimi", "k2"), ProviderKey("kimi-k2")]
    assert not [pair for pair in combinations(keys, 2) if pair[0].dom_id == pair[1].dom_id]


def test_a_name_for_widgets_is_plain() -> None:
    dom_id = ProviderKey("zai", "../é").dom_id
    assert dom_id.isascii()
    assert dom_id.replace("-", "").replace("_", "").isalnum()
