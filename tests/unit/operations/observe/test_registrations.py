"""What Consul has registered, by all checks and by what was read of single services: pure."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.consul.standing import standing, worse
from outrider.operations.observe.registrations import Registrations

Json = dict[str, Any]


def check(instance: str = "", status: str = "passing", *, service: str = "pay", node: str = "n1", **more: Any) -> Json:
    named = {"ServiceID": instance, "ServiceName": service if instance else "", "ServiceTags": ["outrider"]}
    return {"Node": node, "Status": status, "CreateIndex": 5, **named, **more}


def entry(instance: str, port: int = 1, *, node: str = "n1", status: str = "passing", **meta: str) -> Json:
    service = {"ID": instance, "Address": "10.0.0.1", "Port": port, "Meta": meta, "Tags": ["outrider"]}
    return {"Node": {"Node": node, "Address": "10.0.0.1"}, "Service": service, "Checks": [{"Status": status}]}


def known(*rows: Json, **entries: list[Json]) -> Registrations:
    made = Registrations(standing(rows))
    for service, some in entries.items():
        made = made.reading({service: some})
    return made


def test_an_instance_stands_as_the_worst_of_its_own_checks_and_its_nodes() -> None:
    made = known(check("a"), check("a", "warning"), check("b"), check("", "passing"), pay=[entry("a"), entry("b", 2)])
    assert [(one.address, one.status) for one in made.instances("pay")] == [
        ("10.0.0.1:1", "warning"),
        ("10.0.0.1:2", "passing"),
    ]
    down = made.after(standing([check("a"), check("b"), check("", "critical")]), {"pay"})
    assert {one.status for one in down.instances("pay")} == {"critical"}


@pytest.mark.parametrize(
    ("one", "other", "worst"),
    [("passing", "warning", "warning"), ("critical", "warning", "critical"), ("passing", "passing", "passing")],
)
def test_the_worse_status_counts(one: str, other: str, worst: str) -> None:
    assert worse(one, other) == worse(other, one) == worst


def test_a_status_alone_asks_for_no_reading_and_another_registration_does() -> None:
    made = known(check("a"), pay=[entry("a")])
    assert made.stale({"pay"}) == ()
    assert made.after(standing([check("a", "critical")]), {"pay"}).stale({"pay"}) == ()
    for rows in (
        [check("a"), check("b")],
        [],
        [check("a", CreateIndex=9)],
        [check("a", ServiceTags=["outrider", "canary"])],
        [check("a", node="n2")],
    ):
        assert made.after(standing(rows), {"pay"}).stale({"pay"}) == ("pay",), rows


def test_a_service_that_was_never_read_is_read_once_even_without_instances() -> None:
    made = known(check("a"))
    assert made.stale({"pay", "new"}) == ("new", "pay")
    assert made.reading({"new": []}).stale({"new"}) == ()


def test_what_is_deregistered_is_not_shown_until_it_is_read_anew() -> None:
    made = known(check("a"), check("b"), pay=[entry("a"), entry("b", 2), entry("without-checks", 3)])
    left = made.after(standing([check("b")]), {"pay"})
    assert [one.id for one in left.instances("pay")] == ["b", "without-checks"]


def test_services_that_nobody_wants_are_forgotten() -> None:
    made = known(check("a"), pay=[entry("a")]).after(standing([check("a")]), frozenset())
    assert made.read == {}
    assert made.instances("pay") == ()


def test_services_with_our_tag_are_ours_whoever_runs_them() -> None:
    found = standing([check("a"), check("x", service="other", ServiceTags=None)])
    assert found.ours() == {"pay"}


def test_without_the_standing_of_all_checks_instances_stand_as_they_were_read() -> None:
    made = Registrations().reading({"pay": [entry("a", status="critical")]})
    assert [one.status for one in made.instances("pay")] == ["critical"]
