"""Reading below declared roots, and what an installed program adds to them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.core.errors import Unsupported
from tui.gateways.files import DeclaredFiles


def installed(tmp_path: Path) -> Path:
    """A program that is a link into its package, as npm leaves it."""
    package = tmp_path / "usr/lib/node_modules/@tools/cli"
    (package / "dist").mkdir(parents=True)
    (package / "package.json").write_text("{}")
    (package / "dist/index.js").write_text("content")
    program = tmp_path / "usr/bin/tool"
    program.parent.mkdir()
    program.symlink_to(package / "dist/index.js")
    return program


async def test_the_packages_of_a_program_may_be_read_once_they_were_looked_for(
    tmp_path: Path,
) -> None:
    program = installed(tmp_path)
    file = tmp_path / "usr/lib/node_modules/@tools/cli/dist/index.js"
    files = DeclaredFiles((), env={}, home=tmp_path)
    with pytest.raises(Unsupported):
        await files.read_text(file)
    folders = await files.packages(program)
    modules = tmp_path / "usr/lib/node_modules"
    assert folders == (modules, modules / "@tools/cli")
    assert await files.read_text(file) == "content"


async def test_what_lies_beside_the_packages_stays_closed(tmp_path: Path) -> None:
    program = installed(tmp_path)
    files = DeclaredFiles((), env={}, home=tmp_path)
    await files.packages(program)
    with pytest.raises(Unsupported):
        await files.read_text(tmp_path / "usr/etc/secret")


async def test_a_wrapper_without_a_link_leads_to_its_prefix(tmp_path: Path) -> None:
    program = tmp_path / "store/bin/tool"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh")
    (tmp_path / "store/share").mkdir()
    files = DeclaredFiles((), env={}, home=tmp_path)
    assert await files.packages(program) == (tmp_path / "store/share",)


async def test_of_logs_those_that_were_written_last_come_first(tmp_path: Path) -> None:
    for place, name in enumerate(("2026/08/b.jsonl", "2026/09/a.jsonl", "2026/09/c.txt")):
        file = tmp_path / "logs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        os.utime(file, (1_000_000 - place, 1_000_000 - place))
    files = DeclaredFiles((str(tmp_path / "logs"),), env={}, home=tmp_path)
    found = await files.newest(tmp_path / "logs", ".jsonl", count=5)
    assert [info.path.name for info in found] == ["b.jsonl", "a.jsonl"]
    assert len(await files.newest(tmp_path / "logs", ".jsonl", count=1)) == 1
    assert await files.newest(tmp_path / "logs/none", ".jsonl", count=1) == ()
    with pytest.raises(Unsupported):
        await files.newest(tmp_path, ".jsonl", count=1)


@pytest.mark.parametrize(
    ("offset", "part"), [(0, b"0123"), (3, b"3456"), (-4, b"6789"), (-99, b"0123"), (99, b"")]
)
async def test_a_part_of_a_long_file_is_read_and_never_watched(
    tmp_path: Path, offset: int, part: bytes
) -> None:
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"0123456789")
    files = DeclaredFiles((str(file),), env={}, home=tmp_path)
    assert await files.read_part(file, offset=offset, max_bytes=4) == part
    assert files.watched() == {}
    file.unlink()
    assert await files.read_part(file, offset=offset, max_bytes=4) is None
