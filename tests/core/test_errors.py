"""What a failure says about itself."""

from __future__ import annotations

import pytest

from tui.core.errors import ErrorKind, FetchError, MissingCredentials, NetworkError, most_useful


def raised(error: FetchError, cause: BaseException) -> FetchError:
    with pytest.raises(FetchError) as caught:
        raise error from cause
    return caught.value


def test_a_time_out_is_known_through_every_error_it_was_wrapped_in() -> None:
    inner = raised(NetworkError("host did not answer within 5 s."), TimeoutError())
    outer = raised(NetworkError("The relay is not reachable."), inner)
    assert outer.info().cause == "timeout"


def test_the_cause_of_an_error_wins_over_the_one_below() -> None:
    error = raised(MissingCredentials("It is not installed.", cause="no_program"), TimeoutError())
    assert error.info().cause == "no_program"


def test_most_failures_have_no_cause_of_their_own() -> None:
    assert raised(NetworkError("The host was not found."), OSError()).info().cause == ""


def test_errors_that_were_raised_from_one_another_have_an_end() -> None:
    first, second = NetworkError("first"), NetworkError("second")
    first.__cause__, second.__cause__ = second, first
    assert raised(NetworkError("third"), first).info().cause == ""


def test_the_most_useful_failure_is_reported_and_among_equals_the_later() -> None:
    kinds = (NetworkError("first"), MissingCredentials("second"), NetworkError("third"))
    reported = most_useful([error.info() for error in kinds])
    assert (reported.kind, reported.message) == (ErrorKind.NETWORK, "third")
