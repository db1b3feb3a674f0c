"""Augment: one pool of credits, from the program auggie, its login, or the website.

The website's session ends soon when nobody looks at it; a keepalive refreshes it while the
dashboard runs.
"""

from __future__ import annotations

from tui.core.errors import ErrorKind
from tui.providers._spec import (
    Action,
    BackgroundTask,
    CookieUse,
    FlagField,
    Links,
    Mode,
    NumberField,
    Program,
    ProviderSpec,
    Source,
)
from tui.providers.augment.cli import (
    LOGIN_FILE,
    LOGIN_VARIABLE,
    PROGRAM,
    TENANTS,
    TOKEN_VARIABLE,
    URL_VARIABLE,
    add_account,
    detect,
    fetch_cli,
    fetch_login,
)
from tui.providers.augment.keepalive import keep_alive, log_in_again, refresh_session
from tui.providers.augment.web import (
    APP,
    APP_HOST,
    CODEXBAR_FILE,
    add_subscription,
    fetch_web,
)

ANY_FAILURE = frozenset(ErrorKind)
KEEPALIVE = ("keepalive", "true")

PROVIDER = ProviderSpec(
    id="augment",
    name="Augment",
    hosts=(TENANTS,),
    settings=(
        FlagField(
            "keepalive",
            "Session keepalive",
            default=True,
            help="Refreshes the login of the website before it expires.",
        ),
        NumberField(
            "keepalive_check_minutes",
            "Check every (minutes)",
            default=5,
            visible_if=KEEPALIVE,
        ),
        NumberField(
            "keepalive_buffer_minutes",
            "Refresh before expiry (minutes)",
            default=5,
            visible_if=KEEPALIVE,
        ),
        NumberField(
            "keepalive_min_gap_minutes",
            "Between refreshes (minutes)",
            default=2,
            visible_if=KEEPALIVE,
        ),
        NumberField(
            "keepalive_session_minutes",
            "Refresh sessions without expiry every (minutes)",
            default=30,
            visible_if=KEEPALIVE,
        ),
    ),
    cookies=CookieUse(
        domains=("augmentcode.com", APP_HOST),
        browsers=(
            "safari",
            "chrome",
            "chrome-beta",
            "chrome-canary",
            "edge",
            "edge-beta",
            "brave",
            "arc",
            "dia",
            "arc-beta",
            "firefox",
            "*",
        ),
        help="The Cookie header of app.augmentcode.com, or a cURL command.",
    ),
    programs=(
        Program(
            name=PROGRAM,
            env="AUGGIE_CLI_PATH",
            places=(
                "~/.npm-global/bin/auggie",
                "/opt/homebrew/bin/auggie",
                "/usr/local/bin/auggie",
                "%APPDATA%\\npm\\auggie.cmd",
            ),
        ),
    ),
    env=(LOGIN_VARIABLE, TOKEN_VARIABLE, URL_VARIABLE),
    roots=(LOGIN_FILE, CODEXBAR_FILE),
    sources=(
        Source(
            id="cli",
            label="auggie",
            fetch=fetch_cli,
            continue_on=ANY_FAILURE,
            min_interval_s=900.0,
            starts_program=True,
        ),
        Source(
            id="login",
            kind="cli",
            label="Login of auggie",
            fetch=fetch_login,
            extras=(add_account,),
            continue_on=ANY_FAILURE,
        ),
        Source(id="web", label="Website", fetch=fetch_web, extras=(add_subscription,)),
    ),
    modes=(
        Mode("auto", ("cli", "login", "web")),
        Mode("cli", ("cli", "login")),
        Mode("web", ("web",)),
    ),
    links=Links(
        dashboard=f"{APP}/account/subscription",
        login=APP,
        status="https://status.augmentcode.com",
    ),
    # The program, its login and a few logins of the website, one after the other.
    deadline_s=75.0,
    detect=detect,
    background=(BackgroundTask(id="keepalive", label="Session keepalive", run=keep_alive),),
    actions=(
        Action(id="refresh_session", label="Refresh session", run=refresh_session),
        Action(
            id="log_in_again",
            label="Open Augment (log out and back in)",
            run=log_in_again,
        ),
    ),
)
