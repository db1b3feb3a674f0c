"""Cursor: one billing cycle in three lanes, on-demand spend, and a weekly bot allowance.

Everything is asked of the website with one session cookie. The editor and its CLI keep a token
from which that cookie is built; else a browser lends its own, or it is pasted.
"""

from __future__ import annotations

from tui.providers._spec import CookieUse, Links, Mode, ProviderSpec, Source
from tui.providers.cursor.logins import ROOTS, detect
from tui.providers.cursor.sources import (
    add_account,
    fetch_with_browser,
    fetch_with_cli,
    fetch_with_editor,
    fetch_with_paste,
)
from tui.providers.cursor.website import DASHBOARD, EXTRA_TIMEOUT_S, HOST

PROVIDER = ProviderSpec(
    id="cursor",
    name="Cursor",
    hosts=(HOST,),
    cookies=CookieUse(
        domains=(HOST, f"www.{HOST}", "cursor.sh", "authenticator.cursor.sh"),
        browsers=("safari", "*"),
        help="The session of cursor.com: a Cookie header, a cURL command or the bare value.",
    ),
    sources=(
        Source(
            id="pasted",
            kind="web",
            label="Pasted cookies",
            fetch=fetch_with_paste,
            extras=(add_account,),
            extra_timeout_s=EXTRA_TIMEOUT_S,
        ),
        Source(
            id="editor",
            kind="cli",
            label="Cursor editor",
            fetch=fetch_with_editor,
            extras=(add_account,),
            extra_timeout_s=EXTRA_TIMEOUT_S,
        ),
        Source(
            id="cli",
            label="Cursor CLI",
            fetch=fetch_with_cli,
            extras=(add_account,),
            extra_timeout_s=EXTRA_TIMEOUT_S,
        ),
        Source(
            id="web",
            label="Browser login",
            fetch=fetch_with_browser,
            extras=(add_account,),
            extra_timeout_s=EXTRA_TIMEOUT_S,
        ),
    ),
    modes=(
        Mode("auto", ("pasted", "editor", "cli", "web")),
        Mode("web", ("pasted", "web")),
        Mode("cli", ("editor", "cli")),
    ),
    roots=ROOTS,
    links=Links(
        dashboard=DASHBOARD,
        login=f"https://{HOST}/dashboard",
        status="https://status.cursor.com",
    ),
    # Several logins of 15 s each, and what is added to the one that works.
    deadline_s=90.0,
    detect=detect,
)
