"""The GraphQL operations of Warp that are asked, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """A query by the name it travels under."""

    name: str
    query: str


def _operation(name: str, selection: str) -> Operation:
    return Operation(
        name,
        f"query {name}($requestContext: RequestContext!) {{"
        " user(requestContext: $requestContext) {"
        " __typename"
        " ... on UserFacingError { error { message } }"
        f" ... on UserOutput {{ {selection} }}"
        " } }",
    )


def _limits(info_fields: str, grant_fields: str) -> Operation:
    return _operation(
        "GetRequestLimitInfo",
        "user {"
        f" requestLimitInfo {{ {info_fields} }}"
        f" bonusGrants {{ {grant_fields} }}"
        f" workspaces {{ bonusGrantsInfo {{ grants {{ {grant_fields} }} }} }}"
        " }",
    )


_INFO_FIELDS = "isUnlimited requestLimit requestsUsedSinceLastRefresh nextRefreshTime"
_GRANT_FIELDS = "requestCreditsGranted requestCreditsRemaining expiration"

LIMITS = _limits(f"{_INFO_FIELDS} requestLimitRefreshDuration", f"{_GRANT_FIELDS} grantType scope")
LIMITS_SMALL = _limits(_INFO_FIELDS, _GRANT_FIELDS)
"""For a server that does not know every field of the other one."""

ACCOUNT = _operation(
    "GetUser",
    "principalType apiKeyOwnerType"
    " user {"
    " profile { email displayName }"
    " requestLimitInfo"
    " { isUnlimitedVoice voiceRequestLimit voiceRequestsUsedSinceLastRefresh }"
    " aiCreditAvailability { available denialReason creditSource }"
    " billingMetadata {"
    " customerType delinquencyStatus tier { name }"
    " aiOverages"
    " { currentMonthlyRequestCostCents currentMonthlyRequestsUsed currentPeriodEnd }"
    " } }",
)

SPENDING = _operation(
    "GetWorkspacesMetadataForUser",
    "user { workspaces {"
    " name"
    " bonusGrantsInfo { spendingInfo"
    " { currentMonthCreditsPurchased currentMonthPeriodEnd currentMonthSpendCents } }"
    " settings { addonCreditsSettings"
    " { autoReloadEnabled maxMonthlySpendCents selectedAutoReloadCreditDenomination } }"
    " } }",
)
