"""JetBrains AI: the monthly credits as an IDE of this machine last wrote them to a file.

No network and no login. The file is read again at every refresh only when it changed.
"""

from __future__ import annotations

from tui.core.errors import FetchError, ParseError, Unsupported
from tui.core.files import FileInfo
from tui.core.models import ProviderSnapshot
from tui.providers._context import FetchContext
from tui.providers._spec import Links, Mode, PathField, ProviderSpec, Source, TextField
from tui.providers.jetbrains.ides import AUTO, ROOTS, find_source, ide_options
from tui.providers.jetbrains.parse import Quota, parse_quota, read_quota

REREAD_AFTER_S = 0.15
"""How long the IDE is given to finish a file it is writing."""
MAX_BYTES = 1 << 20

READ_BEFORE = "read before"
"""What the account remembers: the last file that was read, by its path, time and size."""


async def fetch_quota(ctx: FetchContext) -> ProviderSnapshot:
    """The quota file that counts now."""
    source = await find_source(ctx)
    file, quota = await load(ctx, source.file)
    return parse_quota(
        quota, key=ctx.key, name=source.name, written_at=file.mtime, now=ctx.clock.now()
    )


async def load(ctx: FetchContext, file: FileInfo) -> tuple[FileInfo, Quota]:
    """The quota of a file, with one more look when the IDE seems to be writing it."""
    try:
        return file, await load_once(ctx, file)
    except ParseError:
        await ctx.clock.sleep(REREAD_AFTER_S)
    file = await ctx.files.stat(file.path) or file
    return file, await load_once(ctx, file)


async def load_once(ctx: FetchContext, file: FileInfo) -> Quota:
    """The quota of a file, parsed only when path, time or size changed."""
    read_before: dict[FileInfo, Quota] = ctx.memory.get(READ_BEFORE, {})
    if file not in read_before:
        read_before = {file: read_quota(await content_of(ctx, file))}
        ctx.memory[READ_BEFORE] = read_before
    return read_before[file]


async def content_of(ctx: FetchContext, file: FileInfo) -> str:
    """The text of a file; empty when it has just vanished.

    Raises:
        Unsupported: It is too long or may not be read.
    """
    if file.size > MAX_BYTES:
        raise Unsupported(
            "The quota file is larger than 1 MB, so it was not read.", hint="Check the path."
        )
    try:
        return await ctx.files.read_text(file.path, max_bytes=MAX_BYTES) or ""
    except Unsupported as error:
        raise Unsupported(
            "The quota file cannot be read (permission).", hint="Check its permissions."
        ) from error


async def detect(ctx: FetchContext) -> str:
    """The IDE that holds a quota file."""
    try:
        return (await find_source(ctx)).name
    except FetchError:
        return ""


PROVIDER = ProviderSpec(
    id="jetbrains",
    name="JetBrains AI",
    short_name="JetBrains",
    settings=(
        TextField(
            "ide",
            "IDE",
            default=AUTO,
            options=ide_options,
            help="Whose quota file counts; Auto-detect takes the one that was written last.",
        ),
        PathField(
            "ide_path",
            "Path of the IDE's settings",
            help="An IDE's settings folder, its options folder, or the quota file; wins over IDE.",
            placeholder="~/.config/JetBrains/IntelliJIdea2025.3",
        ),
    ),
    roots=ROOTS,
    sources=(Source(id="local", label="Quota file of the IDE", fetch=fetch_quota),),
    modes=(Mode("auto", ("local",)), Mode("local", ("local",))),
    links=Links(dashboard="https://account.jetbrains.com"),
    deadline_s=10.0,
    accounts=False,
    detect=detect,
)
