"""Where MiniMax is asked: two regions that are two products, and what may replace their addresses.

Pure: settings in, addresses out. What belongs to one region never goes to the other's website.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from tui.core.errors import Unsupported
from tui.core.urls import host_allowed, host_of
from tui.providers._context import FetchContext, Settings

GLOBAL = "global"
CHINA = "china"
SITES = {GLOBAL: "minimax.io", CHINA: "minimaxi.com"}
"""The domain of each region."""
WEB_HOSTS = {region: f"platform.{site}" for region, site in SITES.items()}
WWW_HOSTS = {region: f"www.{site}" for region, site in SITES.items()}
API_HOSTS = {region: f"api.{site}" for region, site in SITES.items()}
HOSTS = (*WEB_HOSTS.values(), *WWW_HOSTS.values(), *API_HOSTS.values())

PAGE_PATH = "/user-center/payment/coding-plan"
PAGE_QUERY = "cycle_type=3"
REMAINS_PATH = "/v1/api/openplatform/coding_plan/remains"
API_PATHS = ("/v1/token_plan/remains", REMAINS_PATH, "/v1/coding_plan/remains")
"""The documented one, the one before it, the oldest."""
PLAN_PATH = "/v1/api/openplatform/charge/combo/cycle_audio_resource_package"
PLAN_QUERY = "biz_line=2&cycle_type=3&resource_package_type=7"
BILLING_PATH = "/account/amount"
DASHBOARDS = {
    region: f"https://{host}{PAGE_PATH}?{PAGE_QUERY}" for region, host in WEB_HOSTS.items()
}
OVERRIDES = ("host", "coding_plan_url", "remains_url", "billing_history_url")
STRICT = "strict_endpoints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Website:
    """The addresses of a website login."""

    region: str
    page: str
    remains: tuple[str, ...]
    """In the order they are tried."""
    plan: str
    billing: str

    @property
    def site(self) -> str:
        """The domain whose logins count."""
        return SITES[self.region]

    @property
    def origin(self) -> str:
        """What the page's own requests come from."""
        return origin_of(self.page)


def website(settings: Settings) -> Website:
    """Every address of the website, with its overrides."""
    region = region_of(settings)
    own = origin_of(settings.text("host"))
    web = own or f"https://{WEB_HOSTS[region]}"
    www = own or f"https://{WWW_HOSTS[region]}"
    standard = tuple(dict.fromkeys(base + REMAINS_PATH for base in (web, www)))
    remains = settings.text("remains_url")
    return Website(
        region=region,
        page=settings.text("coding_plan_url") or f"{web}{PAGE_PATH}?{PAGE_QUERY}",
        remains=(remains,) if remains else standard,
        plan=f"{www}{PLAN_PATH}?{PLAN_QUERY}",
        billing=settings.text("billing_history_url") or web + BILLING_PATH,
    )


def region_of(settings: Settings) -> str:
    """The region of the website: of an own host that belongs to one, else the chosen one."""
    host = host_of(settings.text("host"))
    for region, site in SITES.items():
        if host_allowed(host, (f".{site}",)):
            return region
    return settings.text("region")


def api_urls(region: str) -> tuple[str, ...]:
    """What a key is tried at, in order."""
    return tuple(f"https://{API_HOSTS[region]}{path}" for path in API_PATHS)


def counts_are_used(url: str) -> bool:
    """Whether `usage_count` of an address is what was used, not what is left."""
    return "token_plan" in urlsplit(url).path


def origin_of(url: str) -> str:
    """Scheme and host of an address; empty for none."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def without_query(url: str) -> str:
    """The address as far as its path."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


def check_overrides(ctx: FetchContext) -> None:
    """Refuse addresses of other sites where the user wants that.

    Raises:
        Unsupported: The setting or variable is named.
    """
    settings = ctx.settings
    if not settings.flag(STRICT):
        return
    own = tuple(f".{site}" for site in SITES.values())
    for key in OVERRIDES:
        url = settings.text(key)
        if url and not host_allowed(host_of(url), own):
            name = settings.origin(key)
            raise Unsupported(
                f"{name} points outside {' and '.join(SITES.values())}, which "
                f"{settings.origin(STRICT)} forbids.",
                hint=f"Correct {name}, or switch {settings.origin(STRICT)} off.",
            )
