"""Which quota file counts: the IDEs of this machine, and the one the user chose.

A chosen IDE or path is never replaced by another one; otherwise the newest file wins, because
folders of old versions stay behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tui.core.errors import MissingCredentials
from tui.core.files import FileInfo
from tui.providers._context import FetchContext, OsName

QUOTA_FILE = "AIAssistantQuotaManager2.xml"
AUTO = "auto"
BASES: Mapping[OsName, tuple[str, ...]] = {
    "linux": (
        "${XDG_CONFIG_HOME:-~/.config}/JetBrains",
        "~/.local/share/JetBrains",
        "${XDG_CONFIG_HOME:-~/.config}/Google",
        "~/.config/Google",
    ),
    "macos": (
        "~/Library/Application Support/JetBrains",
        "~/Library/Application Support/Google",
    ),
    "windows": (
        "${APPDATA:-~/AppData/Roaming}/JetBrains",
        "${APPDATA:-~/AppData/Roaming}/Google",
    ),
}
"""Folders with one sub-folder per IDE; Android Studio lives below Google."""
ROOTS = tuple(dict.fromkeys(base for bases in BASES.values() for base in bases))

_SAME_NAME = (
    "PyCharm WebStorm GoLand CLion DataGrip RubyMine Rider PhpStorm RustRover DataSpell Aqua Fleet "
    "AppCode MPS Writerside"
)
PRODUCTS = {
    "IntelliJIdea": "IntelliJ IDEA",
    "IdeaIC": "IntelliJ IDEA Community",
    "PyCharmCE": "PyCharm",
    "AndroidStudioPreview": "Android Studio",
    "AndroidStudio": "Android Studio",
    **{name: name for name in _SAME_NAME.split()},
}
"""Beginning of a folder's name to the name of the product."""
_LONGEST_FIRST = sorted(PRODUCTS, key=len, reverse=True)


@dataclass(frozen=True, slots=True)
class Ide:
    """The folder of one version of an IDE."""

    folder: str
    """Its name, which is also what the setting `ide` holds."""
    product: str
    version: str
    is_known: bool
    quota_file: FileInfo | None = None

    @property
    def name(self) -> str:
        """For people: `IntelliJ IDEA 2025.3`."""
        return f"{self.product} {self.version}"

    @property
    def written_at(self) -> datetime:
        """When its quota file was written; without one, before all others."""
        return self.quota_file.mtime if self.quota_file else datetime.min.replace(tzinfo=UTC)

    @property
    def version_key(self) -> tuple[int, ...]:
        """Its numbers, so that 2025.10 comes after 2025.9."""
        return tuple(int(digits) for digits in re.findall(r"[0-9]+", self.version))


@dataclass(frozen=True, slots=True)
class QuotaSource:
    """The quota file that counts, and what to call the place it lies in."""

    file: FileInfo
    name: str


def read_folder_name(folder: str, quota_file: FileInfo | None = None) -> Ide:
    """Product and version from a folder's name in any letter case."""
    for prefix in _LONGEST_FIRST:
        if folder.lower().startswith(prefix.lower()):
            version = folder[len(prefix) :] or "Unknown"
            return Ide(folder, PRODUCTS[prefix], version, True, quota_file)
    product = re.split(r"[0-9]", folder, maxsplit=1)[0] or folder
    return Ide(folder, product, folder[len(product) :] or "Unknown", False, quota_file)


async def find_ides(ctx: FetchContext) -> tuple[Ide, ...]:
    """Known IDEs, and any other folder that holds a quota file."""
    found = []
    for base in map(ctx.files.expand, BASES[ctx.os_name]):
        for entry in await ctx.files.list(base) if base.is_absolute() else ():
            if entry.is_dir:
                quota_file = await find_file(ctx, entry.path / "options" / QUOTA_FILE)
                found.append(read_folder_name(entry.path.name, quota_file))
    return tuple(ide for ide in found if ide.is_known or ide.quota_file is not None)


async def find_file(ctx: FetchContext, path: Path) -> FileInfo | None:
    """A file, not a folder of that name."""
    info = await ctx.files.stat(path)
    return info if info is not None and not info.is_dir else None


async def find_source(ctx: FetchContext) -> QuotaSource:
    """The quota file that counts.

    Raises:
        MissingCredentials: There is none where it should be.
    """
    custom = ctx.settings.path("ide_path")
    if custom is not None:
        return await source_below(ctx, custom)
    ides = with_folder(await find_ides(ctx), ctx.settings.text("ide"))
    source = newest(ides)
    if source is None:
        raise no_quota_file(ides)
    return source


async def source_below(ctx: FetchContext, path: Path) -> QuotaSource:
    """The quota file of an IDE's folder, of its `options`, or the file itself.

    Raises:
        MissingCredentials: The path holds none.
    """
    for candidate in (path, path / QUOTA_FILE, path / "options" / QUOTA_FILE):
        info = await find_file(ctx, candidate)
        if info is not None:
            folder = candidate.parent
            return QuotaSource(info, (folder.parent if folder.name == "options" else folder).name)
    raise MissingCredentials(
        f"No quota file under {path}.",
        hint="Check the path; the file appears after first use of AI Assistant.",
    )


def with_folder(ides: Sequence[Ide], folder: str) -> Sequence[Ide]:
    """Only the IDEs in folders of this name; `auto` means all.

    Raises:
        MissingCredentials: No IDE has such a folder.
    """
    wanted = folder.lower()
    if wanted in {AUTO, ""}:
        return ides
    chosen = [ide for ide in ides if ide.folder.lower() == wanted]
    if not chosen:
        raise MissingCredentials(
            f"The chosen IDE {folder} was not found.",
            hint="Choose another one in the settings, or Auto-detect.",
        )
    return chosen


def newest(ides: Iterable[Ide]) -> QuotaSource | None:
    """The quota file that was written last; of equally old ones that of the higher version, then
    the first by name."""
    by_name = sorted(ides, key=lambda ide: ide.folder)
    best = max(by_name, key=lambda ide: (ide.written_at, ide.version_key), default=None)
    if best is None or best.quota_file is None:
        return None
    return QuotaSource(best.quota_file, best.name)


def no_quota_file(ides: Sequence[Ide]) -> MissingCredentials:
    """What is missing: an IDE, or the first use of its assistant."""
    if not ides:
        return MissingCredentials(
            "No JetBrains IDE with AI Assistant found.", hint="Install one, or set a path."
        )
    names = dict.fromkeys(ide.name for ide in in_reading_order(ides))
    return MissingCredentials(
        f"Found {', '.join(names)}.",
        hint="Use AI Assistant once so that the IDE writes its quota file.",
    )


def in_reading_order(ides: Iterable[Ide]) -> list[Ide]:
    """By product A-Z, newer versions first."""
    by_version = sorted(ides, key=lambda ide: ide.version_key, reverse=True)
    return sorted(by_version, key=lambda ide: ide.product.lower())


async def ide_options(ctx: FetchContext) -> tuple[tuple[str, str], ...]:
    """What the setting `ide` offers: automatic, then every IDE that was found."""
    labels: dict[str, str] = {AUTO: "Auto-detect"}
    for ide in in_reading_order(await find_ides(ctx)):
        if ide.quota_file is not None:
            labels[ide.folder] = ide.name
        else:
            labels.setdefault(ide.folder, f"{ide.name} (no quota data yet)")
    return tuple(labels.items())
