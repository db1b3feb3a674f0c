"""Reading below declared roots, and what an installed program adds to them."""

from __future__ import annotations

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
