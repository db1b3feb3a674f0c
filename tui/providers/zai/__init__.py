"""z.ai, the GLM Coding Plan: a 5-hour window, a week and a month of MCP tools, by API key.

Two regions are two products: keys, hosts and pages of one are never used for the other.
"""

from __future__ import annotations

from tui.providers._spec import (
    ChoiceField,
    Links,
    Mode,
    ProviderSpec,
    SecretField,
    Source,
    TextField,
    UrlField,
)
from tui.providers.zai.endpoints import (
    CHINA,
    DASHBOARDS,
    GLOBAL,
    HOSTS,
    check_region,
    is_china,
)
from tui.providers.zai.sources import (
    CHINA_FILES,
    CHINA_VARIABLES,
    add_balance,
    add_days,
    add_hours,
    detect_key_in_files,
    fetch_quota,
)

PROVIDER = ProviderSpec(
    id="zai",
    name="z.ai",
    aliases=("z.ai",),
    hosts=(*HOSTS.values(), "www.bigmodel.cn"),
    settings=(
        SecretField(
            "api_key",
            "API key",
            env=("Z_AI_API_KEY",),
            weak_env=CHINA_VARIABLES,
            weak_if=is_china,
            help="From z.ai/manage-apikey/apikey, in China "
            "bigmodel.cn/usercenter/proj-mgmt/apikeys. "
            f"China also reads {', '.join(CHINA_VARIABLES)}.",
        ),
        ChoiceField(
            "region",
            "Region",
            choices=((GLOBAL, "Global"), (CHINA, "China")),
            aliases={"bigmodel-cn": CHINA, "cn": CHINA},
            help="Keys are tied to one region. Without a choice an own host decides, else Global.",
        ),
        ChoiceField(
            "usage_scope",
            "Usage of",
            choices=(("personal", "Me"), ("team", "My team")),
            default="personal",
        ),
        TextField(
            "organization_id",
            "Organization ID",
            env=("Z_AI_BIGMODEL_ORGANIZATION",),
            help="From the request headers of the team usage page.",
            visible_if=("usage_scope", "team"),
        ),
        TextField(
            "project_id",
            "Project ID",
            env=("Z_AI_BIGMODEL_PROJECT",),
            help="From the request headers of the team usage page.",
            visible_if=("usage_scope", "team"),
        ),
        UrlField(
            "quota_url",
            "Quota URL",
            env=("Z_AI_QUOTA_URL",),
            help="The complete address of the quota call, and of no other.",
        ),
        UrlField(
            "api_host",
            "API host",
            env=("Z_AI_API_HOST",),
            help="A host for quota and model usage; with a path it is used as it is.",
        ),
        UrlField(
            "balance_url",
            "Balance URL",
            env=("Z_AI_BALANCE_URL",),
            help="The complete address of the balance call, China only.",
            visible_if=("region", CHINA),
        ),
    ),
    sources=(
        Source(
            id="api", label="API key", fetch=fetch_quota, extras=(add_balance, add_hours, add_days)
        ),
    ),
    modes=(Mode("auto", ("api",)), Mode("api", ("api",))),
    roots=CHINA_FILES,
    links=Links(dashboard=DASHBOARDS[GLOBAL], keys="https://z.ai/manage-apikey/apikey"),
    # 15 s for the quota, then 15 s for what is added to it.
    deadline_s=35.0,
    detect=detect_key_in_files,
    check=check_region,
    codexbar={"workspace_id": "project_id"},
)
