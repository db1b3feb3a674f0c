"""The settings form without a screen: pages, what was entered, what that means.

Pure. A page follows from a declaration and the values that are saved; a draft holds what the user
entered and knows what would be written; words say what a test, a save or a paste brought.
"""

from tui.form.draft import Draft, tidy_secret
from tui.form.fields import (
    Answer,
    Entry,
    Folder,
    FormField,
    NotSaved,
    Page,
    PageEntry,
    Sign,
    Typed,
)
from tui.form.pages import general_page, provider_page
from tui.form.words import SIGNS, answer, error_text, paste_text, sign_of, state_line
from tui.values import NOT_SET

__all__ = [
    "NOT_SET",
    "SIGNS",
    "Answer",
    "Draft",
    "Entry",
    "Folder",
    "FormField",
    "NotSaved",
    "Page",
    "PageEntry",
    "Sign",
    "Typed",
    "answer",
    "error_text",
    "general_page",
    "paste_text",
    "provider_page",
    "sign_of",
    "state_line",
    "tidy_secret",
]
