"""The settings screen's side of the deck: pages, options, tests, saving.

Every answer is a value of `tui.form`; what can go wrong on the user's side becomes `NotSaved` or a
`FetchError` with its sentence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui.auth import StoreError, StoreLocked
from tui.auth.paste import copied_host, read_paste
from tui.core.clock import LOCAL_ZONE
from tui.core.errors import FetchError, Unsupported
from tui.core.models import ProviderKey, ProviderState
from tui.core.redact import Redactor
from tui.core.text import clean
from tui.core.wording import age_text
from tui.form import (
    Answer,
    Draft,
    Folder,
    NotSaved,
    Page,
    PageEntry,
    answer,
    error_text,
    general_page,
    paste_text,
    provider_page,
    sign_of,
    state_line,
)
from tui.form.words import COOKIES_ELSEWHERE, looks_like_cookies
from tui.gateways.blocking import run_blocking
from tui.gateways.config import ConfigError
from tui.gateways.files import expand
from tui.providers._spec import ProviderSpec, TextField
from tui.trials import entered_values, try_out

if TYPE_CHECKING:
    from tui.runtime import Deck

FOLDER_S = 5.0
MOST_ENTRIES = 500
"""Of a folder; nobody scrolls through more."""
A_HASH = re.compile(r"[0-9a-f]{16,}")
"""Some labels are for programs."""
COOKIE_HEADER = "cookie_header"


class Pages:
    """What the settings screen asks."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck

    # -- showing ---------------------------------------------------------------------------------

    def entries(self) -> tuple[PageEntry, ...]:
        """Every provider in display order, its accounts below it."""
        return tuple(entry for spec in self._deck.accounts.ordered() for entry in self._of(spec))

    async def load(self, key: ProviderKey | None, themes: Sequence[str] = ()) -> Page:
        """A page as it is saved now; `None` is the general one. Opens no key store.

        Args:
            themes: The names the general page offers.
        """
        if key is None:
            return general_page(self._deck.config, themes, await self._places())
        accounts = self._deck.accounts
        spec = self._deck.spec(key)
        state = self._state(key)
        found = "" if key.account else await accounts.signs(spec)
        return provider_page(
            spec,
            await accounts.values(key, reveal=False),
            state=state_line(state, self._masked(clean(found))),
            sign=sign_of(state),
        )

    async def find_store(self) -> None:
        """Find out where a new secret goes, without a question; `load` tells it afterwards."""
        await self._deck.accounts.world.store.probe()

    async def logins(self, key: ProviderKey) -> tuple[tuple[str, str], ...]:
        """Which logins worked before and are kept: a label and where each is from."""
        sessions, now = self._deck.accounts.world.sessions, self._deck.clock.now()
        found = [await sessions.get(str(key), slot) for slot in await sessions.slots(str(key))]
        texts = (
            f"{self._masked(clean(kept.label))}, kept {age_text(kept.saved_at, now, LOCAL_ZONE)}"
            for kept in found
            if kept is not None and kept.label and not A_HASH.fullmatch(kept.label)
        )
        return tuple(("Session", text) for text in dict.fromkeys(texts))

    async def options(self, draft: Draft, field: str) -> tuple[tuple[str, str], ...]:
        """What a field can be on this machine: pairs of value and label.

        Raises:
            FetchError: It cannot be found out; the sentence says why.
        """
        key = _key(draft)
        spec = self._deck.spec(key)
        declared = spec.field(field)
        if not isinstance(declared, TextField) or declared.options is None:
            return await self._deck.accounts.world.browsers().choices()
        values = await entered_values(self._deck.accounts, key, draft.values(), draft.secrets())
        opened = self._deck.accounts.open_values(values, user_initiated=True)
        found = await declared.options(opened.ctx)
        return tuple((value, clean(label)) for value, label in found)

    async def folder(self, path: str) -> Folder:
        """What lies in a folder; for a file, and for what is not there, the folder around it.

        Raises:
            FetchError: It cannot be read.
        """
        home = self._deck.paths.home
        wanted = expand(path, self._deck.env, home) if path.strip() else home
        look = partial(_look_into, wanted if wanted.is_absolute() else home / wanted)
        try:
            return await run_blocking(look, deadline_s=FOLDER_S)
        except OSError as error:
            raise Unsupported(f"It cannot be read ({error.strerror}).") from error

    def describe_paste(self, draft: Draft, field: str) -> str:
        """What a pasted secret holds, in a sentence; empty when that is of no interest."""
        text = draft.secrets().get(field)
        cookies = self._deck.spec(_key(draft)).cookies
        if text is None or cookies is None:
            return ""
        if field != COOKIE_HEADER:
            return COOKIES_ELSEWHERE if looks_like_cookies(text) else ""
        return paste_text(
            read_paste(text), cookies.domains, self._deck.clock.now(), copied_host(text)
        )

    # -- doing -----------------------------------------------------------------------------------

    async def test(self, draft: Draft, asked_from: str = "") -> Answer:
        """Run the real chain with what stands in the form."""
        result = await try_out(self._deck.accounts, _key(draft), draft.values(), draft.secrets())
        return answer(
            draft.page, result.snapshot, result.error, result.attempts, asked_from=asked_from
        )

    async def save(self, draft: Draft) -> None:
        """Save what changed.

        Raises:
            NotSaved: Nothing was changed.
        """
        try:
            if draft.page.key is None:
                await self._deck.save_globals(draft.values())
            else:
                await self._deck.save(draft.page.key, draft.values(), draft.secrets())
        except ConfigError as error:
            raise NotSaved(str(error)) from error
        except (StoreError, StoreLocked) as error:
            raise NotSaved(error_text(error.info())) from error

    async def forget(self, key: ProviderKey, field: str) -> None:
        """Forget a secret.

        Raises:
            NotSaved: It is still there.
        """
        try:
            await self._deck.save(key, {}, {field: None})
        except ConfigError as error:
            raise NotSaved(str(error)) from error
        except (StoreError, StoreLocked) as error:
            raise NotSaved(error_text(error.info())) from error

    async def ask(self, page: Page, asked_from: str = "") -> Answer | None:
        """What a provider says to what is saved; `None` when it is off."""
        if page.key is None or page.key not in self._deck.engine.keys:
            return None
        state = await self._deck.engine.refresh(page.key, user=True)
        return answer(page, state.snapshot, state.error, state.attempts, asked_from=asked_from)

    async def act(
        self, draft: Draft, action_id: str, tell: Callable[[str], None] = lambda sentence: None
    ) -> Answer:
        """Do something a provider offers, with what stands in the form.

        Args:
            tell: Gets what the user has to know meanwhile, such as a code to type elsewhere.
        """
        key = _key(draft)
        action = next(item for item in self._deck.spec(key).actions if item.id == action_id)
        try:
            values = await entered_values(self._deck.accounts, key, draft.values(), draft.secrets())
            opened = self._deck.accounts.open_values(values, user_initiated=True)
            ctx = replace(opened.ctx, tell=lambda sentence: tell(clean(sentence)))
            said = await action.run(ctx)
        except FetchError as error:
            return Answer(text=error_text(error.info()), is_good=False)
        await self._deck.reload(changed=(key,))
        return Answer(text=clean(said), is_good=True)

    # -- inside ----------------------------------------------------------------------------------

    def _of(self, spec: ProviderSpec) -> Iterator[PageEntry]:
        accounts = self._deck.accounts
        names = ("", *accounts.account_tables(spec))
        for key in (ProviderKey(spec.id, name) for name in names):
            yield PageEntry(key=key, name=key.account or spec.name, sign=sign_of(self._state(key)))

    def _state(self, key: ProviderKey) -> ProviderState | None:
        engine = self._deck.engine
        return engine.state(key) if key in engine.keys else None

    async def _places(self) -> tuple[tuple[str, str], ...]:
        """Where things are kept, and what is wrong with the settings file."""
        store = self._deck.accounts.world.store
        places = (
            ("Settings", self._shown(self._deck.paths.config_file)),
            ("Secrets", store.describe()),
            ("Log", self._shown(self._deck.log_file) if self._deck.log_file else ""),
        )
        problems = (("Problem", problem) for problem in self._deck.problems)
        return (*(place for place in places if place[1]), *problems)

    def _masked(self, text: str) -> str:
        """Without addresses of accounts, where the user hides them."""
        return Redactor()(text) if self._deck.prefs.privacy else text

    def _shown(self, path: Path) -> str:
        """A path, short where it lies below home."""
        home = self._deck.paths.home
        return str(Path("~") / path.relative_to(home)) if path.is_relative_to(home) else str(path)


def _key(draft: Draft) -> ProviderKey:
    assert draft.page.key is not None, "the general page belongs to no provider"
    return draft.page.key


def _look_into(wanted: Path) -> Folder:
    """The nearest folder that is there: folders first, hidden ones last."""
    folder = next(path for path in (wanted, *wanted.parents) if path.is_dir())
    with os.scandir(folder) as found:
        entries = sorted(
            (not entry.is_dir(), entry.name.startswith("."), entry.name) for entry in found
        )
    return Folder(
        path=str(folder),
        parent=str(folder.parent),
        folders=tuple(name for is_file, _, name in entries[:MOST_ENTRIES] if not is_file),
        files=tuple(name for is_file, _, name in entries[:MOST_ENTRIES] if is_file),
    )
