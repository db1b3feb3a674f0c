"""Where session logs are looked for, and which files count as one."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.session_logs import reply, write_log
from tui.gateways.log_roots import LogFile, LogFinder, claude_roots


def found_in(*roots: Path) -> dict[str, LogFile]:
    return LogFinder().find(roots)


def names_in(*roots: Path) -> list[str]:
    return sorted(Path(path).name for path in found_in(*roots))


# -- roots -----------------------------------------------------------------------------------------


def test_both_usual_folders_are_searched(home: Path) -> None:
    assert claude_roots({}, home, "linux") == (
        home / ".config" / "claude" / "projects",
        home / ".claude" / "projects",
    )


def test_a_named_folder_excludes_all_others(home: Path) -> None:
    roots = claude_roots({"CLAUDE_CONFIG_DIR": str(home / "else")}, home, "macos")
    assert roots == (home / "else" / "projects",)


def test_a_named_folder_is_taken_literally(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    assert claude_roots({"CLAUDE_CONFIG_DIR": "~/x"}, home, "linux") == (
        home / "~" / "x" / "projects",
    )


def test_an_empty_name_counts_as_none(home: Path) -> None:
    assert len(claude_roots({"CLAUDE_CONFIG_DIR": ""}, home, "linux")) == 2


def test_the_desktop_program_keeps_sessions_a_few_levels_down(home: Path) -> None:
    base = home / "Library/Application Support/Claude"
    near = base / "local-agent-mode-sessions/a/b/.claude/projects"
    deepest = base / "claude-code-sessions/1/2/3/4/.claude/projects"
    for folder in (near, deepest, base / "claude-code-sessions/1/2/3/4/5/.claude/projects"):
        folder.mkdir(parents=True)
    (base / "claude-code-sessions/node_modules/.claude/projects").mkdir(parents=True)
    (base / "claude-code-sessions/link").symlink_to(near.parent.parent)
    assert claude_roots({}, home, "macos")[2:] == (near, deepest)
    assert len(claude_roots({}, home, "linux")) == 2


# -- files -----------------------------------------------------------------------------------------


def test_logs_at_any_depth_with_their_project(tmp_path: Path) -> None:
    write_log(tmp_path / "-srv-app" / "s1.jsonl", reply())
    write_log(tmp_path / "-srv-app" / "s1" / "subagents" / "agent-1.jsonl", reply())
    write_log(tmp_path / "loose.jsonl", reply())
    found = {Path(log.path).name: log for log in found_in(tmp_path).values()}
    assert found["s1.jsonl"].project == "-srv-app"
    assert not found["s1.jsonl"].is_subagent
    assert found["agent-1.jsonl"].project == "-srv-app"
    assert found["agent-1.jsonl"].is_subagent
    assert found["loose.jsonl"].project == ""


def test_hidden_empty_and_other_files_are_left_out(tmp_path: Path) -> None:
    write_log(tmp_path / "p" / ".hidden.jsonl", reply())
    write_log(tmp_path / "p" / "empty.jsonl")
    write_log(tmp_path / "p" / "notes.json", reply())
    (tmp_path / "p" / "folder.jsonl").mkdir()
    (tmp_path / "p" / "nowhere.jsonl").symlink_to(tmp_path / "missing")
    write_log(tmp_path / "p" / "good.jsonl", reply())
    assert names_in(tmp_path) == ["good.jsonl"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are a thing of Unix")
def test_a_pipe_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    assert names_in(tmp_path) == []


def test_missing_roots_are_no_error(tmp_path: Path) -> None:
    assert found_in(tmp_path / "missing") == {}


def test_a_folder_reached_twice_is_read_once(tmp_path: Path) -> None:
    write_log(tmp_path / "real" / "p" / "s.jsonl", reply())
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert len(found_in(tmp_path / "link", tmp_path / "real")) == 1


def test_links_are_followed_but_never_in_a_circle(tmp_path: Path) -> None:
    root = tmp_path / "projects"
    write_log(root / "p" / "s.jsonl", reply())
    write_log(tmp_path / "elsewhere" / "t.jsonl", reply())
    write_log(tmp_path / "single.jsonl", reply())
    (root / "p" / "again").symlink_to(root)
    (root / "p" / "up").symlink_to(tmp_path)
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(root)
    (root / "p" / "u.jsonl").symlink_to(tmp_path / "single.jsonl")
    assert names_in(root) == ["s.jsonl", "t.jsonl", "u.jsonl"]


def test_one_file_under_two_names_counts_once_by_the_first(tmp_path: Path) -> None:
    write_log(tmp_path / "p" / "b.jsonl", reply())
    os.link(tmp_path / "p" / "b.jsonl", tmp_path / "p" / "c.jsonl")
    (tmp_path / "p" / "a.jsonl").symlink_to(tmp_path / "p" / "b.jsonl")
    assert names_in(tmp_path) == ["a.jsonl"]


# -- looking again ---------------------------------------------------------------------------------


def age(folder: Path) -> None:
    """Let a folder look as if nothing came or went for a while."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            an_hour_ago = time.time() - 3600
            os.utime(path, (an_hour_ago, an_hour_ago))


def test_what_comes_goes_and_grows_is_seen_the_next_time(tmp_path: Path) -> None:
    write_log(tmp_path / "p" / "stays.jsonl", reply())
    write_log(tmp_path / "p" / "goes.jsonl", reply())
    age(tmp_path)
    finder = LogFinder()
    before = finder.find([tmp_path])
    (tmp_path / "p" / "goes.jsonl").unlink()
    write_log(tmp_path / "p" / "stays.jsonl", reply(), reply())
    write_log(tmp_path / "q" / "r" / "comes.jsonl", reply())
    after = finder.find([tmp_path])
    assert sorted(Path(path).name for path in after) == ["comes.jsonl", "stays.jsonl"]
    stays = str(tmp_path / "p" / "stays.jsonl")
    assert after[stays].stamp.size == 2 * before[stays].stamp.size


def test_folders_in_which_no_name_changed_are_not_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(tmp_path / "p" / "s.jsonl", reply())
    age(tmp_path)
    finder = LogFinder()
    first = finder.find([tmp_path])
    monkeypatch.setattr(os, "scandir", lambda folder: pytest.fail(f"{folder} was opened"))
    assert finder.find([tmp_path]) == first


def test_a_folder_that_changed_just_now_is_opened_again(tmp_path: Path) -> None:
    """Its time may not move for a second change within the same tick."""
    write_log(tmp_path / "s.jsonl", reply())
    finder = LogFinder()
    finder.find([tmp_path])
    changed_at = tmp_path.stat()
    write_log(tmp_path / "t.jsonl", reply())
    os.utime(tmp_path, ns=(changed_at.st_atime_ns, changed_at.st_mtime_ns))
    assert len(finder.find([tmp_path])) == 2
