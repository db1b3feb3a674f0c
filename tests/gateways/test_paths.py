"""Where our own files lie, and which folder is home."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.gateways.paths import find_paths


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_line_break_behind_the_home_folder_does_not_count(end: str, tmp_path: Path) -> None:
    assert find_paths({"HOME": f"{tmp_path}{end}"}).home == tmp_path


def test_without_variables_the_system_knows_the_home_folder() -> None:
    assert find_paths({}).home == Path.home()
