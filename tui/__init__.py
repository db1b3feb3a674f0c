"""A terminal dashboard of AI coding limits."""

__version__ = "0.1.0"
