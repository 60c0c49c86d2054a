"""A kind of check that nobody has taught us is an error, and not one of another kind."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest
from support.topologies import resolved

from outrider.nomad.write.check import checks
from outrider.spec.check import Check, Timed, usual_name


class DnsCheck(Timed):
    """A kind that there is not."""

    dns: str = "a"


UNKNOWN = cast("Check", DnsCheck(name="of its own"))


@pytest.mark.parametrize("mesh", [True, False])
def test_a_check_of_an_unknown_kind_is_an_error_and_not_silently_tcp(*, mesh: bool) -> None:
    found = resolved({"mesh": mesh})
    topology = replace(found, spec=found.spec.model_copy(update={"checks": [UNKNOWN]}))
    with pytest.raises(AssertionError, match="Expected code to be unreachable"):
        checks(topology)


def test_a_check_of_an_unknown_kind_has_no_usual_name() -> None:
    with pytest.raises(AssertionError, match="Expected code to be unreachable"):
        usual_name("web", UNKNOWN, has_sidecar=True)
