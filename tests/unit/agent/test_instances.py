"""Instances and endpoints: every form that an address may have (A25)."""

from __future__ import annotations

from typing import Any

import pytest
from outrider_agent.endpoints import DEGRADED, HEALTHY, Endpoint, endpoint, sorted_endpoints
from outrider_agent.instances import Instance, UnusableInstanceError, instance


def entry(address: Any = "10.0.0.5", port: Any = 21001, *statuses: str, **service: Any) -> dict[str, object]:
    return {
        "Node": {"Address": "10.9.9.9"},
        "Service": {"Address": address, "Port": port, **service},
        "Checks": [{"CheckID": "c", "Status": status} for status in statuses],
    }


def test_an_empty_service_address_means_the_nodes() -> None:
    """A25."""
    assert instance(entry("")).identity == ("10.9.9.9", 21001)


@pytest.mark.parametrize("address", ["fd00::5", "::ffff:10.0.0.1", "2001:db8::1"])
def test_ipv6_is_taken(address: str) -> None:
    """A25."""
    assert instance(entry(address)).address == address


@pytest.mark.parametrize(
    "address", ["web.example", "localhost", "10.0.0", "10.0.0.256", "fe80::1%eth0", None, 7, "10.0.0.1\x00"]
)
def test_what_is_no_literal_address_is_refused(address: Any) -> None:
    """A25: EDS takes literal addresses only, and one hostname would make Envoy reject the rest."""
    with pytest.raises(UnusableInstanceError, match="literal IP"):
        instance({**entry(address), "Node": {}})


@pytest.mark.parametrize("port", [0, -1, 65536, 99999, "80", None, True])
def test_a_port_that_envoy_would_reject_is_refused(port: Any) -> None:
    """A25."""
    with pytest.raises(UnusableInstanceError, match="port"):
        instance(entry(port=port))


@pytest.mark.parametrize(
    ("statuses", "health"),
    [
        ((), "passing"),
        (("passing", "passing"), "passing"),
        (("passing", "warning"), "warning"),
        (("critical", "warning"), "critical"),
        (("passing", "unheard-of"), "critical"),
    ],
)
def test_the_worst_check_counts(statuses: tuple[str, ...], health: str) -> None:
    assert instance(entry("10.0.0.5", 1, *statuses)).health == health


@pytest.mark.parametrize("check", ["_node_maintenance", "_service_maintenance:web-1"])
def test_maintenance_is_told_from_a_critical_check(check: str) -> None:
    found = entry("10.0.0.5", 1, "critical")
    found["Checks"] = [{"CheckID": check, "Status": "critical"}]
    assert (instance(found).health, instance(found).is_usable) == ("maintenance", False)


@pytest.mark.parametrize(
    ("weights", "statuses", "weight"),
    [
        ({"Passing": 10, "Warning": 2}, ("passing",), 10),
        ({"Passing": 10, "Warning": 2}, ("warning",), 2),
        ({"Passing": 0, "Warning": 0}, ("warning",), 1),
        ({"Passing": 10**9}, (), 65535),
        ({}, (), 1),
        ("none", (), 1),
    ],
)
def test_a_weight_is_one_that_envoy_takes(weights: Any, statuses: tuple[str, ...], weight: int) -> None:
    """A25: weight 0 would make Envoy reject the whole list."""
    assert instance(entry("10.0.0.5", 1, *statuses, Weights=weights)).weight == weight


def test_a_canary_is_known_by_its_meta_or_tag() -> None:
    """A25."""
    marked = [entry(Meta={"canary": "true"}), entry(Tags=["blue", "canary"])]
    plain = [entry(), entry(Meta={"canary": "false"}), entry(Meta=None, Tags=None)]
    assert [instance(one).is_canary for one in (*marked, *plain)] == [True, True, False, False, False]


def test_the_version_travels_along() -> None:
    assert instance(entry(Meta={"outrider_version": "abc"})).version == "abc"


def test_a_version_with_half_a_sign_is_left_out() -> None:
    """Found by fuzzing: Envoy rejects the whole update for it."""
    assert instance(entry(Meta={"outrider_version": "a\ud800"})).version == ""


@pytest.mark.parametrize("document", [{}, {"Service": []}, {"Service": None, "Node": 3, "Checks": {}}])
def test_an_entry_of_another_shape_is_refused_and_nothing_worse(document: dict[str, object]) -> None:
    with pytest.raises(UnusableInstanceError):
        instance(document)


def test_a_warning_is_degraded_and_passing_is_healthy() -> None:
    assert endpoint(Instance("10.0.0.1", 1, "passing")).health == HEALTHY
    assert endpoint(Instance("10.0.0.1", 1, "warning")).health == DEGRADED
    assert endpoint(Instance("10.0.0.1", 1, "critical")).health == DEGRADED


def test_endpoints_are_sorted_and_of_two_at_one_address_the_healthier_stays() -> None:
    """B05: the same set in another order is the same list."""
    found = sorted_endpoints([Endpoint("b", 2), Endpoint("b", 1, DEGRADED), Endpoint("a", 9), Endpoint("b", 1)])
    assert found == (Endpoint("a", 9), Endpoint("b", 1), Endpoint("b", 2))


def test_endpoints_differ_where_envoy_could_tell_them_apart() -> None:
    canary = Endpoint("a", 1)
    canary.is_canary = True
    assert (
        len({Endpoint("a", 1), canary, Endpoint("a", 1, weight=2), Endpoint("a", 1, DEGRADED), Endpoint("a", 1)}) == 4
    )
    assert Endpoint("a", 1) != ("a", 1)
    assert "HEALTHY" in repr(canary)
