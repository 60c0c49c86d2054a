"""What an entry of Consul says of an instance: where it is, how it is, and whose it is."""

from __future__ import annotations

import pytest

from outrider.consul.instances import address_of, allocation_of, failing_checks, instance
from outrider.topology.names import own_instance

ALLOCATION = "2864267b-9c0f-3f5e-6a0c-4c5b6f0f1a2b"


def test_the_allocation_is_the_one_that_nomad_put_into_the_id() -> None:
    written = own_instance("group-of-two", "ingress").replace("${NOMAD_ALLOC_ID}", ALLOCATION)
    assert allocation_of(written) == ALLOCATION


@pytest.mark.parametrize("of_somebody", ["", "redis-1", f"my-{ALLOCATION}", f"_nomad-task-{ALLOCATION}"])
def test_what_nomad_has_not_registered_is_of_no_allocation(of_somebody: str) -> None:
    assert allocation_of(of_somebody) is None


def test_an_instance_without_an_address_of_its_own_is_at_its_node() -> None:
    entry = {"Node": {"Address": "fd00::1"}, "Service": {"ID": "a", "Address": "", "Port": 80}, "Checks": None}
    assert (instance(entry).address, instance(entry).status) == ("[fd00::1]:80", "passing")
    assert address_of("10.0.0.1", 80) == "10.0.0.1:80"


def test_the_worst_check_counts_and_those_that_do_not_pass_are_told() -> None:
    checks = [{"Name": one, "Status": one} for one in ("passing", "critical", "warning")]
    entry = {"Service": {"ID": "a", "Address": "10.0.0.1", "Port": 80}, "Checks": checks}
    assert instance(entry).status == "critical"
    assert [one["Name"] for one in failing_checks(entry)] == ["critical", "warning"]
