"""The command line: which verb runs, what its exit code is, and how its errors look.

Imports nothing at the top but what every Python has loaded, so that `--version` costs no more than
Python itself. Each verb is a module of `tui.commands`, loaded when it is asked for.
"""

from __future__ import annotations

import os
import sys

from tui import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from tui.commands._base import CliError

INTERRUPTED = 130
VERSION = (["--version"], ["-V"])
VERBS = ("status", "providers", "detect", "doctor", "config", "secret", "login")


def run() -> NoReturn:
    """The process from its arguments to its end.

    It ends at once: everything was closed and written by then, and what still runs is a name
    look-up that nobody waits for and that cannot be called off.
    """
    if sys.argv[1:] not in VERSION:
        from tui.gateways.strays import catch_strays

        catch_strays()
    try:
        code: object = main()
    except SystemExit as end:  # the parser's help, a signal
        code = end.code
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, OSError, ValueError):  # none, full, closed
            continue
    os._exit(code if isinstance(code, int) else 0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code (B§16).

    Args:
        argv: Without the name of the program; what the process was given when absent.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        return _without_stdout(error)
    return code


def _run(arguments: list[str]) -> int:
    if arguments in VERSION:
        print(f"quotadeck {__version__}")
        return 0
    try:
        return _run_verb(arguments)
    except (BrokenPipeError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # the last resort: one redacted sentence, for scripts too
        from tui.commands._base import as_cli_error

        return _refuse(as_cli_error(error), arguments)


def _run_verb(arguments: list[str]) -> int:
    if set(arguments) <= {"--demo"}:  # spares the first frame the parser
        from tui.commands import dashboard

        return dashboard.show(demo=bool(arguments))
    from importlib import import_module

    from tui.commands._base import Parser, UsageError

    name = "" if arguments[0].startswith("-") else arguments[0]
    if name and name not in VERBS:
        words = ", ".join(VERBS)
        raise UsageError(f'There is no verb "{name}".', hint=f"Use one of {words}, or none.")
    verb = import_module(f"tui.commands.{name or 'dashboard'}")
    parser = Parser(
        prog=f"quotadeck {name}".rstrip(), description=verb.DESCRIPTION, examples=verb.EXAMPLES
    )
    verb.add_arguments(parser)
    code: int = verb.run(parser.parse_args(arguments[1:] if name else arguments))
    return code


def _refuse(error: CliError, arguments: list[str]) -> int:
    """One line on standard error; for a reader of JSON one element as well."""
    from tui.commands._output import one_line, print_json, print_note

    print_note(f"{error.message} {error.hint}")
    if "--json" in arguments:
        from tui.report.document import cli_error

        message, remedy = one_line(error.message), one_line(error.hint)
        print_json([cli_error(message, error.exit_code, kind=error.kind, remedy=remedy)])
    return error.exit_code


def _without_stdout(error: OSError) -> int:
    """Whoever read standard output has left, which is fine, or its disk is full."""
    # Python's own last flush must not fail as well.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return 0
    from tui.commands._output import print_note

    print_note(f"The output could not be written ({error.strerror}).")
    return 1
