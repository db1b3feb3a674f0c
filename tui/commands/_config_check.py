"""`config check`: the findings, one line each; the exit code says whether any is an error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tui.commands import _loop
from tui.commands._findings import (
    Finding,
    account_findings,
    error,
    file_findings,
    missing_credentials,
    table_findings,
)
from tui.commands._keys import account_keys, table_of
from tui.commands._output import columns, print_text
from tui.core.errors import FetchError
from tui.core.models import ProviderKey
from tui.core.text import clean
from tui.gateways.toml_file import dotted, line_of, read_text
from tui.providers._spec import ProviderSpec
from tui.runtime import Deck

FAILED = 1


def run() -> int:
    """Print what was found and sum it up."""
    path, findings = _loop.run(_loop.with_open_deck(_findings))
    if findings:
        print_text(columns(map(_cells, findings)))
    errors = sum(finding.severity == "error" for finding in findings)
    warnings = len(findings) - errors
    print_text(f"{path}: {_count(errors, 'error')}, {_count(warnings, 'warning')}.")
    return FAILED if errors else 0


async def _findings(deck: Deck) -> tuple[Path, list[Finding]]:
    path = deck.config.path
    found = list(file_findings(deck.config, deck.registry))
    for spec in deck.accounts.ordered():
        if table := deck.accounts.table(spec):
            found += table_findings(spec, table, table_of(spec, deck.config))
            for key in account_keys(spec, deck.config):
                found += await _account(deck, spec, key)
    text, _ = read_text(path)
    return path, [replace(item, line=item.line or line_of(text, item.key)) for item in found]


async def _account(deck: Deck, spec: ProviderSpec, key: ProviderKey) -> list[Finding]:
    table = deck.accounts.table(spec)
    prefix = table_of(spec, deck.config)
    if key.account:
        table = deck.accounts.account_tables(spec)[key.account]
        prefix = f"{prefix}.{dotted('accounts', key.account)}"
    found = list(account_findings(spec, key, table, prefix))
    if any(item.severity == "error" for item in found):
        return found
    values = await deck.accounts.values(key, reveal=False)
    try:
        opened = deck.accounts.open_values(values, user_initiated=False)
        if spec.check is not None:
            spec.check(opened.ctx)
        return [*found, *missing_credentials(values, prefix)]
    except FetchError as problem:
        text = f"{problem.message} {problem.hint}"
        return [*found, error("invalid_combination", prefix, text)]


def _cells(finding: Finding) -> tuple[str, str, str, str]:
    line = f"line {finding.line}" if finding.line else ""
    return finding.severity, finding.code, line, clean(f"{finding.key}: {finding.text}")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
