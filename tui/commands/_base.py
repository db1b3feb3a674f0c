"""What every verb shares: errors with an exit code, and a parser that raises them."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import Any, ClassVar, Literal, NoReturn

from tui.core.errors import FetchError
from tui.gateways.config import ConfigError
from tui.gateways.logs import set_up, tear_down
from tui.gateways.paths import find_paths

Kind = Literal["args", "config", "provider", "runtime"]


class CliError(Exception):
    """The program itself cannot do what it was asked to.

    Args:
        message: One sentence.
        hint: The one next step.
    """

    exit_code: ClassVar[int] = 1
    kind: ClassVar[Kind] = "runtime"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CliError):
    """The command line is wrong."""

    exit_code = 64
    kind = "args"


class SettingsError(CliError):
    """The settings file or a store cannot be changed."""

    kind = "config"


def as_cli_error(error: BaseException) -> CliError:
    """Any failure as one sentence; what is a mistake of ours goes to the log as a whole."""
    if isinstance(error, CliError):
        return error
    if isinstance(error, FetchError):
        return CliError(error.message, hint=error.hint)
    if isinstance(error, ConfigError):
        return SettingsError(str(error))
    log_file = find_paths().state / "quotadeck.log"
    set_up(None, log_file)
    logging.getLogger("tui.cli").error("unexpected", exc_info=error)
    tear_down()
    name = type(error).__name__
    return CliError(f"Internal error ({name}).", hint=f"Please report it; {log_file} has more.")


class Parser(argparse.ArgumentParser):
    """Raises instead of exiting, and shows how a verb is used.

    Args:
        examples: Whole command lines.
    """

    def __init__(self, *, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options
        )
        title = "example:" if len(examples) == 1 else "examples:"
        self.epilog = "\n  ".join((title, *examples)) if examples else None

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong as a sentence."""
        sentence = message[:1].upper() + message[1:].rstrip(".")
        raise UsageError(f"{sentence}.", hint=f"See `{self.prog} --help`.")


def add_provider_option(parser: argparse.ArgumentParser, help_text: str) -> None:
    """`--provider ID ID,ID …`, which may be repeated."""
    parser.add_argument(
        "--provider", nargs="+", action="extend", default=[], metavar="ID", help=help_text
    )
