"""Kimi K2: nothing configured, so its card shows the one next step."""

from __future__ import annotations

from tui.demo.stage import Scene

SCENE = Scene()
