"""JetBrains AI: the right quota file, its odd format, and the moment its numbers are of."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support import NOON, FakeClock, FetchFailed, fetch, make_context, payload
from tui.core.errors import ErrorKind, FetchError, Unsupported
from tui.core.models import MONTH_MINUTES, ProviderKey, ProviderSnapshot
from tui.gateways.files import DeclaredFiles
from tui.providers.jetbrains import PROVIDER, detect
from tui.providers.jetbrains.ides import QUOTA_FILE, ide_options, read_folder_name
from tui.providers.jetbrains.parse import (
    duration_minutes,
    parse_quota,
    quota_details,
    read_quota,
)

KEY = ProviderKey("jetbrains")
HOUR_AGO = NOON - timedelta(hours=1)
LINUX = ".config/JetBrains"


class QuickClock(FakeClock):
    """Waiting takes no time; something may happen meanwhile."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__()
        self.slept: list[float] = []
        self.meanwhile = meanwhile

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.meanwhile()


def parse(
    body: bytes, *, written_at: datetime = HOUR_AGO, now: datetime = NOON
) -> ProviderSnapshot:
    quota = read_quota(body.decode("utf-8-sig", errors="replace"))
    return parse_quota(quota, key=KEY, name="GoLand 2026.1", written_at=written_at, now=now)


PARSERS: dict[str, Callable[[bytes], object]] = {"*": parse}


def put(
    home: Path, folder: str, name: str = "monthly.xml", written_at: datetime = HOUR_AGO
) -> Path:
    """A quota file as an IDE would leave it; `folder` is relative to the home folder."""
    file = home / folder / "options" / QUOTA_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(payload("jetbrains", name))
    os.utime(file, (written_at.timestamp(), written_at.timestamp()))
    return file


async def read(home: Path, clock: FakeClock | None = None, **options: Any) -> ProviderSnapshot:
    ctx = await make_context(PROVIDER, home, clock=clock or QuickClock(), **options)
    return await fetch(PROVIDER, ctx)


async def failure(home: Path, **options: Any) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await read(home, **options)
    return caught.value


def parsed(name: str, **options: datetime) -> ProviderSnapshot:
    return parse(payload("jetbrains", name), **options)


# -- numbers ---------------------------------------------------------------------------------------


def test_monthly_credits() -> None:
    snapshot = parsed("monthly.xml")
    window = snapshot.window("monthly")
    assert window.label == "Monthly credits"
    assert window.used_percent == pytest.approx(31.25005)
    assert (window.used, window.limit) == (Decimal("3.125005"), Decimal(10))
    assert window.resets_text == "6.87 of 10.00 credits left"
    assert window.resets_at == datetime(2026, 10, 4, 9, 30, 11, 204000, tzinfo=UTC)
    assert window.window_minutes == MONTH_MINUTES
    assert [w.id for w in snapshot.windows] == ["monthly"]


def test_the_end_of_the_licence_is_a_detail_and_no_reset() -> None:
    rows = {row.label: row.value for row in parsed("monthly.xml").details}
    assert rows == {"Valid": "until 2027-06-30", "Amount": "10.00 credits"}
    assert parsed("minimal.xml").window("monthly").resets_at is None


def test_bought_credits_do_not_hide_that_the_monthly_ones_are_nearly_gone() -> None:
    snapshot = parsed("topup.xml")
    monthly, topup = snapshot.window("monthly"), snapshot.window("topup")
    assert monthly.used_percent == 95.0
    assert monthly.resets_text == "0.50 of 10.00 credits left"
    assert monthly.window_minutes == MONTH_MINUTES
    assert topup.label == "Top-up credits"
    assert topup.used_percent == pytest.approx(100 / 6)
    assert topup.resets_text == "25.00 of 30.00 credits left"
    assert topup.resets_at is None
    assert not topup.headline


def test_what_is_used_follows_from_what_is_available() -> None:
    window = parsed("only_available.xml").window("monthly")
    assert window.used_percent == 75.0
    assert window.resets_at is None


def test_without_a_tariff_the_outer_numbers_count() -> None:
    snapshot = parsed("minimal.xml")
    assert snapshot.window("monthly").used_percent == 0.0
    assert snapshot.window("monthly").limit == Decimal(1)
    assert snapshot.identity.plan == "free"


def test_a_maximum_of_zero_is_no_quota_and_not_zero_percent() -> None:
    window = parsed("no_quota.xml").window("monthly")
    assert window.used_percent is None
    assert window.resets_text == "no quota"


def test_unusable_numbers_are_unknown() -> None:
    window = parsed("markup_in_type.xml").window("monthly")
    assert (window.used_percent, window.used, window.limit) == (None, None, Decimal(5))
    assert window.resets_text == ""


def test_small_numbers_are_credits_already() -> None:
    content = (
        '<a><component name="AIAssistantQuotaManager2"><option name="quotaInfo" '
        'value=\'{"current": 25, "maximum": 99999}\'/></component></a>'
    )
    snapshot = parse(content.encode())
    assert snapshot.window("monthly").limit == Decimal(99999)


def test_other_components_other_quotes_and_double_escaping() -> None:
    assert parsed("escaped_twice.xml").window("monthly").used_percent == 25.0


@pytest.mark.parametrize(
    ("duration", "minutes"),
    [
        ("PT720H", 43200),
        ("P30D", 43200),
        ("P1M", 43200),
        ("P1W", 10080),
        ("P1DT2H30M", 1590),
        ("monthly", None),
        ("P13M", None),
        ("P", None),
        ("", None),
        pytest.param("PT" + "9" * 5000 + "H", None, id="beyond all measure"),
    ],
)
def test_window_length_from_a_duration(duration: str, minutes: int | None) -> None:
    assert duration_minutes(duration) == minutes


def test_a_refill_that_is_due_keeps_the_numbers_and_says_so() -> None:
    snapshot = parsed("monthly.xml", now=datetime(2026, 10, 5, tzinfo=UTC))
    assert snapshot.notice == "Refill due, open the IDE."
    assert snapshot.window("monthly").used_percent is not None
    assert snapshot.confidence == "estimated"


@pytest.mark.parametrize(
    ("age", "notice"),
    [
        (timedelta(hours=23, minutes=59), ""),
        (timedelta(hours=24), "The IDE wrote these numbers 1 day ago; open it to renew them."),
        (timedelta(days=9), "The IDE wrote these numbers 9 days ago; open it to renew them."),
    ],
)
def test_old_numbers_are_called_old(age: timedelta, notice: str) -> None:
    assert parsed("monthly.xml", written_at=NOON - age).notice == notice


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("bad_json.xml", "The quota file is damaged or its format changed."),
        ("bad_list.xml", "The quota file is damaged or its format changed."),
        ("bad_cut_off.xml", "The quota file is damaged or its format changed."),
        ("bad_entities.xml", "The quota file is damaged or its format changed."),
        ("bad_empty_quota.xml", "The quota file holds no quota data yet."),
        ("bad_empty_object.xml", "The quota file holds no quota data yet."),
        ("bad_no_component.xml", "The quota file holds no quota data yet."),
    ],
)
def test_what_is_wrong_with_a_file(name: str, message: str) -> None:
    with pytest.raises(FetchError) as caught:
        parsed(name)
    assert caught.value.kind is ErrorKind.PARSE
    assert caught.value.message == message


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("", id="empty"),
        pytest.param("nonsense", id="no json"),
        pytest.param("[]", id="a list"),
    ],
)
def test_a_useless_refill_costs_only_the_reset(value: str) -> None:
    content = payload("jetbrains", "minimal.xml").decode()
    content = content.replace(
        "  </component>", f'<option name="nextRefill" value="{value}"/></component>'
    )
    assert read_quota(content).refill_at is None


def test_a_refill_is_told_in_credits_where_there_is_no_quota_yet() -> None:
    refill = '{"type": "Known", "tariff": {"amount": "1000000", "duration": "PT720H"}}'
    option = f"<option name='nextRefill' value='{refill}'/></component>"
    content = payload("jetbrains", "no_quota.xml").decode()
    quota = read_quota(content.replace("</component>", option))
    assert quota.monthly.maximum == 0
    assert [row.value for row in quota_details(quota)] == ["10.00 credits"]


# -- which file ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("IntelliJIdea2025.3", "IntelliJ IDEA 2025.3"),
        ("IdeaIC2024.2", "IntelliJ IDEA Community 2024.2"),
        ("PyCharmCE2024.1", "PyCharm 2024.1"),
        ("Webstorm2024.1", "WebStorm 2024.1"),
        ("goland2026.1", "GoLand 2026.1"),
        ("CLion2025.1", "CLion 2025.1"),
        ("DataGrip2025.1", "DataGrip 2025.1"),
        ("RubyMine2025.1", "RubyMine 2025.1"),
        ("Rider2025.1", "Rider 2025.1"),
        ("PhpStorm2025.1", "PhpStorm 2025.1"),
        ("RustRover2025.1", "RustRover 2025.1"),
        ("AndroidStudio2025.2", "Android Studio 2025.2"),
        ("AndroidStudioPreview2025.3", "Android Studio 2025.3"),
        ("Fleet", "Fleet Unknown"),
        ("Aqua2024.3", "Aqua 2024.3"),
        ("DataSpell2025.1", "DataSpell 2025.1"),
        ("MPS2025.1", "MPS 2025.1"),
        ("Writerside2024.3", "Writerside 2024.3"),
        ("NewThing2027.1", "NewThing 2027.1"),
        ("2027", "2027 Unknown"),
    ],
)
def test_names_of_folders(folder: str, name: str) -> None:
    assert read_folder_name(folder).name == name


@pytest.mark.parametrize(
    ("os_name", "env", "folder"),
    [
        ("linux", {}, ".config/JetBrains/IntelliJIdea2025.3"),
        ("linux", {}, ".local/share/JetBrains/IntelliJIdea2025.3"),
        ("linux", {}, ".config/Google/AndroidStudio2025.2"),
        ("linux", {"XDG_CONFIG_HOME": "{home}/xdg"}, "xdg/JetBrains/GoLand2025.3"),
        ("macos", {}, "Library/Application Support/JetBrains/Rider2025.3"),
        ("macos", {}, "Library/Application Support/Google/AndroidStudio2025.2"),
        ("windows", {}, "AppData/Roaming/JetBrains/Rider2025.3"),
        ("windows", {"APPDATA": "{home}/moved"}, "moved/Google/AndroidStudio2025.2"),
    ],
)
async def test_folders_of_every_system(
    home: Path, os_name: Any, env: dict[str, str], folder: str
) -> None:
    put(home, folder)
    env = {name: value.format(home=home) for name, value in env.items()}
    snapshot = await read(home, os_name=os_name, env=env)
    assert snapshot.identity.organization == read_folder_name(Path(folder).name).name


async def test_the_newest_file_wins_whatever_the_version_says(home: Path) -> None:
    put(home, f"{LINUX}/IntelliJIdea2026.1-backup", written_at=NOON - timedelta(days=3))
    put(home, f"{LINUX}/PyCharm2025.1", "topup.xml", written_at=HOUR_AGO)
    snapshot = await read(home)
    assert snapshot.identity.organization == "PyCharm 2025.1"
    assert snapshot.fetched_at == HOUR_AGO
    assert snapshot.source_id == "local"


async def test_equally_old_files_are_told_apart_by_version_and_name(home: Path) -> None:
    for folder in ("GoLand2025.9", "GoLand2025.10", "Rider2025.10"):
        put(home, f"{LINUX}/{folder}")
    assert (await read(home)).identity.organization == "GoLand 2025.10"


async def test_an_unknown_folder_with_a_quota_file_counts(home: Path) -> None:
    put(home, f"{LINUX}/Shiny2027.1")
    assert (await read(home)).identity.organization == "Shiny 2027.1"


async def test_a_chosen_ide_never_falls_back(home: Path) -> None:
    put(home, f"{LINUX}/GoLand2025.3", written_at=NOON)
    put(home, f"{LINUX}/Rider2025.3", "topup.xml")
    snapshot = await read(home, settings={"ide": "rider2025.3"})
    assert snapshot.identity.organization == "Rider 2025.3"
    (home / LINUX / "WebStorm2025.3").mkdir()
    failed = await failure(home, settings={"ide": "WebStorm2025.3"})
    assert failed.error.message == "Found WebStorm 2025.3."
    failed = await failure(home, settings={"ide": "CLion2025.3"})
    assert failed.error.message == "The chosen IDE CLion2025.3 was not found."
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS


@pytest.mark.parametrize("end", ["", "options", f"options/{QUOTA_FILE}"])
async def test_a_custom_path_may_name_the_folder_its_options_or_the_file(
    home: Path, end: str
) -> None:
    put(home, f"{LINUX}/GoLand2025.3", written_at=NOON)
    put(home, "elsewhere/MyIde", "topup.xml")
    path = f"  ~/$PLACE/MyIde/{end} "
    settings = {"ide_path": path, "ide": "GoLand2025.3"}
    snapshot = await read(home, settings=settings, env={"PLACE": "elsewhere"})
    assert snapshot.identity.organization == "MyIde"
    assert snapshot.window("monthly").used_percent == 95.0


async def test_a_custom_path_of_blanks_means_automatic(home: Path) -> None:
    put(home, f"{LINUX}/GoLand2025.3")
    snapshot = await read(home, settings={"ide_path": "   "})
    assert snapshot.identity.organization == "GoLand 2025.3"


async def test_a_custom_path_without_a_file_never_falls_back(home: Path) -> None:
    put(home, f"{LINUX}/GoLand2025.3")
    failed = await failure(home, settings={"ide_path": "~/nowhere"})
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
    assert failed.error.message == f"No quota file under {home}/nowhere."
    assert "appears after first use of AI Assistant" in failed.error.hint


async def test_links_are_followed(home: Path) -> None:
    put(home, "disk/GoLand2025.3")
    (home / LINUX).mkdir(parents=True)
    (home / LINUX / "GoLand2025.3").symlink_to(home / "disk/GoLand2025.3")
    assert (await read(home)).identity.organization == "GoLand 2025.3"


async def test_without_any_ide(home: Path) -> None:
    (home / LINUX / "Toolbox").mkdir(parents=True)
    error = (await failure(home)).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert error.message == "No JetBrains IDE with AI Assistant found."
    assert error.hint == "Install one, or set a path."


async def test_ides_without_a_quota_file_are_named(home: Path) -> None:
    for folder in ("Rider2025.3", "GoLand2025.9", "GoLand2025.10", "JetBrainsClient2025.3"):
        (home / LINUX / folder).mkdir(parents=True)
    error = (await failure(home)).error
    assert error.kind is ErrorKind.MISSING_CREDENTIALS
    assert error.message == "Found GoLand 2025.10, GoLand 2025.9, Rider 2025.3."
    assert error.hint == "Use AI Assistant once so that the IDE writes its quota file."


async def test_the_picker_lists_automatic_then_ides_by_name_and_version(home: Path) -> None:
    put(home, f"{LINUX}/PyCharm2025.9")
    put(home, f"{LINUX}/PyCharm2025.10")
    put(home, f"{LINUX}/Shiny1")
    for folder in ("GoLand2025.3", "JetBrainsClient2025.3", "consentOptions"):
        (home / LINUX / folder).mkdir()
    ctx = await make_context(PROVIDER, home)
    assert await ide_options(ctx) == (
        ("auto", "Auto-detect"),
        ("GoLand2025.3", "GoLand 2025.3 (no quota data yet)"),
        ("PyCharm2025.10", "PyCharm 2025.10"),
        ("PyCharm2025.9", "PyCharm 2025.9"),
        ("Shiny1", "Shiny 1"),
    )


async def test_detection_names_the_ide(home: Path) -> None:
    assert await detect(await make_context(PROVIDER, home)) == ""
    put(home, f"{LINUX}/GoLand2025.3")
    assert await detect(await make_context(PROVIDER, home)) == "GoLand 2025.3"


# -- reading ---------------------------------------------------------------------------------------


class CountingFiles(DeclaredFiles):
    """Counts what is read; may refuse."""

    reads = 0
    refuses = False

    async def read_text(self, path: Path, *, max_bytes: int = 1 << 20) -> str | None:
        self.reads += 1
        if self.refuses:
            raise Unsupported(f"{path.name} cannot be read (Permission denied).")
        return await super().read_text(path, max_bytes=max_bytes)


async def counted(home: Path) -> tuple[Any, CountingFiles]:
    files = CountingFiles(PROVIDER.roots, env={}, home=home)
    return replace(await make_context(PROVIDER, home), files=files), files


async def test_a_file_is_read_again_only_when_it_changed(home: Path) -> None:
    file = put(home, f"{LINUX}/GoLand2025.3")
    ctx, files = await counted(home)
    await fetch(PROVIDER, ctx)
    assert (await fetch(PROVIDER, ctx)).window("monthly").limit == Decimal(10)
    assert files.reads == 1
    os.utime(file, (NOON.timestamp(), NOON.timestamp()))
    assert (await fetch(PROVIDER, ctx)).fetched_at == NOON
    assert files.reads == 2
    put(home, f"{LINUX}/GoLand2025.3", "topup.xml", written_at=NOON)
    assert (await fetch(PROVIDER, ctx)).window("monthly").used_percent == 95.0
    assert files.reads == 3


async def test_a_file_in_writing_is_read_once_more(home: Path) -> None:
    put(home, f"{LINUX}/GoLand2025.3", "bad_cut_off.xml")
    clock = QuickClock(lambda: put(home, f"{LINUX}/GoLand2025.3", written_at=NOON))
    snapshot = await read(home, clock=clock)
    assert clock.slept == [0.15]
    assert snapshot.fetched_at == NOON
    assert snapshot.window("monthly").limit == Decimal(10)


async def test_a_broken_file_is_read_only_twice(home: Path) -> None:
    file = put(home, f"{LINUX}/GoLand2025.3", "bad_cut_off.xml")
    clock = QuickClock()
    failed = await failure(home, clock=clock)
    assert failed.error.kind is ErrorKind.PARSE
    assert failed.error.hint == "Open AI Assistant once and refresh."
    assert clock.slept == [0.15]
    file.write_bytes(b"")
    assert (await failure(home)).error.kind is ErrorKind.PARSE


async def test_a_file_that_may_not_be_read(home: Path) -> None:
    put(home, f"{LINUX}/GoLand2025.3")
    ctx, files = await counted(home)
    files.refuses = True
    with pytest.raises(FetchFailed) as caught:
        await fetch(PROVIDER, ctx)
    assert caught.value.error.kind is ErrorKind.UNSUPPORTED
    assert caught.value.error.message == "The quota file cannot be read (permission)."


async def test_a_huge_file_is_not_read(home: Path) -> None:
    put(home, f"{LINUX}/GoLand2025.3").write_bytes(b" " * ((1 << 20) + 1))
    failed = await failure(home)
    assert failed.error.kind is ErrorKind.UNSUPPORTED
    assert "larger than 1 MB" in failed.error.message


def test_nothing_of_the_network_and_no_accounts() -> None:
    assert PROVIDER.hosts == ()
    assert not PROVIDER.accounts
    assert PROVIDER.variables() == ()


async def test_a_relative_configuration_folder_is_not_looked_at(home: Path) -> None:
    failed = await failure(home, env={"XDG_CONFIG_HOME": "relative"})
    assert failed.error.kind is ErrorKind.MISSING_CREDENTIALS
