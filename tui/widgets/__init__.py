"""Widgets show values they are given and post messages; they never fetch, schedule or format."""
