"""Where z.ai is asked: region, overrides, team.

Pure: settings in, addresses out. A key of one region never goes to the other region's host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit, urlunsplit

from tui.core.errors import MissingCredentials, Unsupported
from tui.core.urls import host_of
from tui.providers._context import FetchContext, Settings

GLOBAL = "global"
CHINA = "china"
HOSTS = {GLOBAL: "api.z.ai", CHINA: "open.bigmodel.cn"}
REGION_OF_HOST = {host: region for region, host in HOSTS.items()}
REGION_LABELS = {GLOBAL: "Global", CHINA: "China"}
QUOTA_PATH = "/api/monitor/usage/quota/limit"
USAGE_PATH = "/api/monitor/usage/model-usage"
BALANCE_URL = "https://www.bigmodel.cn/api/biz/account/query-customer-account-report"
DASHBOARDS = {
    GLOBAL: "https://z.ai/manage-apikey/coding-plan/personal/my-plan",
    CHINA: "https://bigmodel.cn/coding-plan/personal/usage",
}
CHINA_TEAM_DASHBOARD = "https://bigmodel.cn/coding-plan/team/usage-stats"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """The addresses of one account."""

    region: str
    quota: str
    usage: str
    balance: str
    """Empty when there is none to ask."""
    dashboard: str
    team_headers: Mapping[str, str] = field(default_factory=dict)
    """Empty for personal use."""

    @property
    def is_team(self) -> bool:
        """Whether the numbers of a team are asked for."""
        return bool(self.team_headers)


def region_of(settings: Settings) -> str:
    """The chosen region; without a choice the one an override points at, else global."""
    hosts = {_host(settings, key) for key in ("quota_url", "api_host")}
    return settings.text("region") or (CHINA if HOSTS[CHINA] in hosts else GLOBAL)


def is_china(settings: Settings) -> bool:
    """Whether keys of China count."""
    return region_of(settings) == CHINA


def check_region(ctx: FetchContext) -> None:
    """Refuse an override that points at the other region's host.

    Raises:
        Unsupported: Variable and region are named.
    """
    settings, region = ctx.settings, region_of(ctx.settings)
    balance_matters = region == CHINA or settings.is_set("region")
    for key in ("quota_url", "api_host", *(["balance_url"] if balance_matters else [])):
        other = REGION_OF_HOST.get(_host(settings, key), region)
        if other != region:
            raise Unsupported(
                f"{settings.origin(key)} points at the {REGION_LABELS[other]} host, but the region "
                f"is {REGION_LABELS[region]}.",
                hint=f"Correct the region or {settings.origin(key)}.",
            )


def endpoints(settings: Settings) -> Endpoints:
    """Every address of an account.

    Raises:
        MissingCredentials: Team usage without both of its ids.
    """
    region = region_of(settings)
    api = settings.text("api_host") or f"https://{HOSTS[region]}"
    quota = settings.text("quota_url") or _with_path(api, QUOTA_PATH)
    usage = _without_query(_with_path(api, USAGE_PATH))
    team = settings.text("usage_scope") == "team"
    return Endpoints(
        region=region,
        quota=with_type(quota, 2) if team else quota,
        usage=with_type(usage, 3) if team else usage,
        balance=_balance(settings, region, (quota, usage)),
        dashboard=_dashboard(REGION_OF_HOST.get(_plain_host(quota), region), team),
        team_headers=_team_headers(settings) if team else {},
    )


def with_type(url: str, value: int) -> str:
    """The address with the query parameter `type` set; the other parameters stay as written."""
    parts = urlsplit(url)
    kept = [
        item for item in parts.query.split("&") if item and unquote(item.split("=")[0]) != "type"
    ]
    return urlunsplit(parts._replace(query="&".join([*kept, f"type={value}"])))


def with_query(url: str, query: str) -> str:
    """The address with more parameters."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query="&".join(filter(None, (query, parts.query)))))


def _with_path(base: str, path: str) -> str:
    """The standard path for a bare host; any other address is used as it is."""
    parts = urlsplit(base)
    return urlunsplit(parts._replace(path=path)) if parts.path in ("", "/") else base


def _without_query(url: str) -> str:
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


def _balance(settings: Settings, region: str, asked: tuple[str, ...]) -> str:
    if region != CHINA:
        return ""
    # The key of a proxy must not go to bigmodel.cn.
    behind_proxy = any(_plain_host(url) != HOSTS[CHINA] for url in asked)
    return settings.text("balance_url") or ("" if behind_proxy else BALANCE_URL)


def _dashboard(region: str, team: bool) -> str:
    return CHINA_TEAM_DASHBOARD if team and region == CHINA else DASHBOARDS[region]


def _team_headers(settings: Settings) -> dict[str, str]:
    organization, project = settings.text("organization_id"), settings.text("project_id")
    if not organization or not project:
        raise MissingCredentials(
            "Team usage needs Organization ID and Project ID.",
            hint="Copy both from the request headers of the team usage page.",
        )
    return {"Bigmodel-Organization": organization, "Bigmodel-Project": project}


def _host(settings: Settings, key: str) -> str:
    return _plain_host(settings.text(key))


def _plain_host(url: str) -> str:
    return host_of(url).rstrip(".")
