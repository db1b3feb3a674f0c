"""JetBrains AI: a file an IDE wrote half an hour ago and does not touch any more."""

from __future__ import annotations

import json
from html import escape

from tui.demo.stage import Moment, Scene, iso

FILE = ".config/JetBrains/IntelliJIdea2026.2/options/AIAssistantQuotaManager2.xml"


def quota_file(moment: Moment) -> str:
    """Monthly credits a good way down, and a top-up."""
    refill = {
        "type": "Known",
        "next": iso(moment.later(days=11)),
        "tariff": {"amount": "1000000", "duration": "PT720H"},
    }
    quota = {
        "type": "Available",
        "current": "1180000",
        "maximum": "4000000",
        "until": iso(moment.later(days=220)),
        "tariffQuota": {"current": "680000", "maximum": "1000000", "available": "320000"},
        "topUpQuota": {"current": "500000", "maximum": "3000000", "available": "2500000"},
    }
    return (
        '<application>\n  <component name="AIAssistantQuotaManager2">\n'
        f'    <option name="nextRefill" value="{escape(json.dumps(refill))}" />\n'
        f'    <option name="quotaInfo" value="{escape(json.dumps(quota))}" />\n'
        "  </component>\n</application>\n"
    )


SCENE = Scene(files={FILE: quota_file})
