"""From a provider's state and the time to what a person reads.

Pure: every word, number and severity on the screen is decided here, so that card, details, one-line
density and plain text say the same. Widgets only place what they are given.
"""
