"""The settings file: every mistake named, the rest kept, nothing lost when saving."""

from __future__ import annotations

import locale
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tui.gateways import config
from tui.gateways.atomic import repair_mode
from tui.gateways.config import Config, ConfigError


def written(path: Path, text: str) -> Config:
    path.write_text(text, encoding="utf-8")
    return config.load(path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings" / "config.toml"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_a_file_everything_has_its_default(path: Path) -> None:
    loaded = config.load(path)
    assert loaded.cadence == "adaptive"
    assert not loaded.show_used
    assert loaded.problems == ()


def test_a_wrong_value_is_named_with_line_and_expectation_and_the_rest_loads(file: Path) -> None:
    loaded = written(file, 'theme = "nord"\ncadence = 7\n[alerts]\nthresholds = [120]\n')
    assert loaded.theme == "nord"
    assert loaded.cadence == 5
    assert [(p.key, p.line) for p in loaded.problems] == [("cadence", 2), ("alerts.thresholds", 4)]
    assert "adaptive, manual, 1, 2, 5, 15 or 30" in loaded.problems[0].expected


@pytest.mark.parametrize(
    ("time_format", "twelve"), [("%r", True), ("%I:%M:%S %p", True), ("%H:%M:%S", False)]
)
def test_the_clock_counts_to_twelve_where_the_locale_does(
    path: Path, monkeypatch: pytest.MonkeyPatch, time_format: str, twelve: bool
) -> None:
    monkeypatch.setattr(locale, "nl_langinfo", lambda item: time_format)
    assert config.preferences(config.load(path), {"LANG": "C.UTF-8"}).twelve_hour is twelve


def test_a_locale_that_is_not_installed_counts_to_twenty_four(path: Path) -> None:
    before = locale.setlocale(locale.LC_TIME)
    assert not config.preferences(config.load(path), {"LC_ALL": "xx_XX.UTF-8"}).twelve_hour
    assert locale.setlocale(locale.LC_TIME) == before


def test_broken_syntax_is_named_by_line_and_everything_else_still_loads(file: Path) -> None:
    loaded = written(file, 'show_used = true\ntheme = nord\n[providers.zai]\nregion = "china"\n')
    assert loaded.show_used
    assert loaded.providers["zai"]["region"] == "china"
    assert [problem.line for problem in loaded.problems] == [2]
    assert loaded.problems[0].key == "theme"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        pytest.param("deep = " + "[" * 50_000, "deep", id="nested too deeply"),
        pytest.param("long = " + "9" * 5000, "long", id="too many digits"),
    ],
)
def test_more_than_python_takes_is_broken_syntax_on_its_line(
    file: Path, line: str, key: str
) -> None:
    loaded = written(file, f"show_used = true\n{line}\ncadence = 5\n")
    (problem,) = loaded.problems
    assert (problem.key, problem.line, problem.syntax) == (key, 2, True)
    assert (loaded.show_used, loaded.cadence) == (True, 5)


@pytest.mark.parametrize(
    "line", ["api_key: hunter2hunter2", "hunter2hunter2", "\0hunter2 = 1", "api_key hunter2 ="]
)
def test_a_key_on_the_wrong_line_is_not_repeated(file: Path, line: str) -> None:
    (problem,) = written(file, f"[providers.zai]\n{line}\n").problems
    assert problem.line == 2
    assert "hunter2" not in str(problem)


def test_other_signs_that_break_lines_may_stand_in_a_text(file: Path) -> None:
    loaded = written(file, 'theme = "a\u2028b\x85"\nslow_mode = 5\n')
    assert loaded.theme == "a\u2028b\x85"
    assert [problem.line for problem in loaded.problems] == [2]


def test_a_problem_moves_no_cursor(file: Path) -> None:
    loaded = written(file, '[keys]\n"a\\u001b[2J\\u202e" = 5\n')
    assert str(loaded.problems[0]) == "keys.a: should be a key"


@pytest.mark.parametrize(
    "name", ["", " work", "a\\u001b[2J", "a\\u202eb", "a\\nb", pytest.param("n" * 400, id="long")]
)
def test_an_account_whose_name_cannot_be_shown_is_left_out(file: Path, name: str) -> None:
    loaded = written(
        file, f'[providers.zai.accounts."{name}"]\nlabel = "x"\n[providers.zai.accounts.work]\n'
    )
    assert list(loaded.providers["zai"]["accounts"]) == ["work"]
    assert "cannot name an account" in str(loaded.problems[0])


def test_tables_in_the_wrong_place_are_named(file: Path) -> None:
    loaded = written(file, 'providers = 5\nkeys = "x"\n')
    assert [(problem.key, problem.line) for problem in loaded.problems] == [
        ("keys", 2),
        ("providers", 1),
    ]


def test_what_is_nested_too_deeply_to_be_copied_is_not_saved(file: Path) -> None:
    text = ".".join(["a"] * 3000) + " = 1\n"
    written(file, text)
    with pytest.raises(ConfigError, match="too deeply"):
        config.save(file, {"cadence": 5})
    assert file.read_text() == text


def test_a_file_with_broken_syntax_is_never_written_over(file: Path) -> None:
    text = "theme = nord\n"
    written(file, text)
    with pytest.raises(ConfigError, match="line 1"):
        config.save(file, {"cadence": 5})
    assert file.read_text() == text


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xff\xfe\x00bad", id="not UTF-8"),
        pytest.param(b"[" * 1000, id="garbage"),
        pytest.param(b"x = 1\n" * 200_000, id="larger than a settings file"),
        pytest.param(b'a = """never closed\n', id="open string"),
    ],
)
def test_a_file_that_is_no_settings_file_gives_defaults_and_a_reason(
    file: Path, content: bytes
) -> None:
    file.write_bytes(content)
    loaded = config.load(file)
    assert loaded.cadence == "adaptive"
    assert loaded.broken


def test_saving_keeps_unknown_keys_and_the_values_of_others(file: Path) -> None:
    written(file, 'future = 1\n[providers.zai]\nregion = "china"\nodd = [1, 2]\n')
    config.save(file, {"providers.zai.enabled": True, "cadence": 5})
    document = tomllib.loads(file.read_text())
    assert document["future"] == 1
    assert document["providers"]["zai"] == {"region": "china", "odd": [1, 2], "enabled": True}
    assert document["cadence"] == 5


def test_taking_the_last_key_out_takes_its_table_out(file: Path) -> None:
    written(file, "[providers.zai]\nenabled = true\n")
    config.save(file, {"providers.zai.enabled": None})
    assert "providers" not in tomllib.loads(file.read_text())


def test_a_file_with_comments_is_kept_as_bak_and_later_saves_do_not_replace_it(
    file: Path,
) -> None:
    text = "# mine\ncadence = 5  # minutes\n"
    written(file, text)
    config.save(file, {"theme": "nord"})
    config.save(file, {"theme": "dracula"})
    assert (file.parent / "config.toml.bak").read_text() == text


def test_a_hash_inside_a_text_is_no_comment(file: Path) -> None:
    written(file, 'theme = "a#b"\n')
    config.save(file, {"cadence": 5})
    assert not (file.parent / "config.toml.bak").exists()


def test_the_file_is_private_and_so_is_its_folder(path: Path) -> None:
    config.save(path, {"cadence": 5})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_can_read_is_made_private(file: Path) -> None:
    file.write_text("cadence = 5\n")
    file.chmod(0o644)
    config.load(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_stays_a_link(tmp_path: Path, file: Path) -> None:
    target = tmp_path / "dotfiles" / "quotadeck.toml"
    target.parent.mkdir()
    target.write_text("cadence = 5\n")
    file.symlink_to(target)
    config.save(file, {"cadence": 2})
    assert file.is_symlink()
    assert config.load(target).cadence == 2


def test_a_device_is_neither_repaired_nor_replaced() -> None:
    ours, theirs = os.openpty()
    device = Path(os.ttyname(theirs))
    device.chmod(0o622)
    repair_mode(device)
    with pytest.raises(ConfigError, match="no file"):
        config.save(device, {"cadence": 5})
    assert stat.S_IMODE(device.stat().st_mode) == 0o622
    os.close(ours)
    os.close(theirs)


def test_only_version_1_is_known(file: Path) -> None:
    assert written(file, "version = 1\n").problems == ()
    assert [problem.key for problem in written(file, "version = 2\n").problems] == ["version"]


def test_two_programs_saving_at_once_lose_nothing(file: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tui.gateways import config\n"
        "for n in range(10): config.save(Path(sys.argv[1]), {f'providers.p{sys.argv[2]}.k{n}': n})"
    )
    runs = [subprocess.Popen([sys.executable, "-c", code, str(file), str(i)]) for i in range(3)]
    assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
    providers = tomllib.loads(file.read_text())["providers"]
    assert {name: len(table) for name, table in providers.items()} == {"p0": 10, "p1": 10, "p2": 10}


def test_a_full_disk_leaves_the_old_file(file: Path) -> None:
    written(file, "cadence = 5\n")
    code = (
        "import resource, signal, sys; from pathlib import Path; from tui.gateways import config\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))\n"
        "try: config.save(Path(sys.argv[1]), {'theme': 'x' * 200})\n"
        "except config.ConfigError as error: print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=True
    )
    assert "could not be saved" in done.stdout
    assert file.read_text() == "cadence = 5\n"
    assert [p.name for p in file.parent.iterdir() if p.name.startswith(".config.toml.")] in (
        [],
        [".config.toml.lock"],
    )
