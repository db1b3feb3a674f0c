"""Keeping every account fresh: one loop each, one refresh at a time each, politely.

The engine decides when to ask and who may publish. How a provider is asked is the chain's
business, what a source is given comes from `open`, and what the answers look like nobody here
knows.
"""

from tui.engine.account import DEFAULT_RHYTHM, Accounts, OpenAccount, Rhythm
from tui.engine.refresh import RefreshEngine

__all__ = ["DEFAULT_RHYTHM", "Accounts", "OpenAccount", "RefreshEngine", "Rhythm"]
