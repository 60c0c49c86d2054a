"""Where everything listens, in host and bridge mode."""

from __future__ import annotations

from support.topologies import BRIDGE, resolved

from outrider.topology.ports import Address, Booking, Slot

UPSTREAMS = {"upstreams": {"payments": {}, "fx-rates": {}}}


def test_host_mode_books_every_label_on_the_node() -> None:
    ports = resolved(UPSTREAMS).ports
    labels = ["ingress", "metrics", "app", "egress_fx_rates", "egress_payments"]
    assert [booking.label for booking in ports.bookings] == labels
    assert all(booking.reserved is None and booking.to is None for booking in ports.bookings)


def test_in_host_mode_only_ingress_and_metrics_can_be_reached_from_the_network() -> None:
    ports = resolved(UPSTREAMS).ports
    assert ports.ingress == Address(Slot("NOMAD_IP_ingress", "127.0.0.1"), Slot("NOMAD_PORT_ingress", 20_000))
    assert ports.metrics == Address(Slot("NOMAD_IP_metrics", "127.0.0.1"), Slot("NOMAD_PORT_metrics", 20_001))
    assert ports.app == Address("127.0.0.1", Slot("NOMAD_PORT_app", 20_002))
    assert {address.host for address in ports.egress.values()} == {"127.0.0.1"}


def test_no_two_samples_are_the_same_port() -> None:
    ports = resolved(UPSTREAMS | {"port": 20_001}, {"sidecar": {"transport": "loopback"}}).ports
    places = [ports.ingress, ports.metrics, ports.agent, ports.admin, *ports.egress.values()]
    samples = [place.port.sample for place in places if place and isinstance(place.port, Slot)]
    assert len(set(samples)) == len(samples) == 6


def test_a_sample_never_meets_a_port_that_is_fixed() -> None:
    ports = resolved({"ingress": {"static": 20_001}}).ports
    places = [place.port for place in (ports.ingress, ports.metrics, ports.app) if place]
    assert [port.sample if isinstance(port, Slot) else port for port in places] == [20_001, 20_000, 20_002]


def test_a_fixed_port_is_reserved_on_the_node_in_host_mode() -> None:
    ports = resolved({"port": 8080, "ingress": {"static": 9090}}).ports
    assert ports.booking("app") == Booking("app", reserved=8080)
    assert ports.booking("ingress") == Booking("ingress", reserved=9090)
    assert ports.app == Address("127.0.0.1", 8080)


def test_bridge_mode_has_fixed_ports_inside_and_books_two_outside() -> None:
    ports = resolved(UPSTREAMS | {"port": 8080}, BRIDGE).ports
    assert ports.bookings == (Booking("ingress", None, 19_000), Booking("metrics", None, 19_001))
    assert ports.ingress == Address("0.0.0.0", 19_000)
    assert ports.egress == {"fx-rates": Address("127.0.0.1", 19_100), "payments": Address("127.0.0.1", 19_101)}
    assert ports.app == Address("127.0.0.1", 8080)


def test_a_static_ingress_in_bridge_mode_is_a_reserved_port_to_the_same_place() -> None:
    ports = resolved({"ingress": {"static": 8443}}, BRIDGE).ports
    assert ports.booking("ingress") == Booking("ingress", 8443, 19_000)


def test_a_worker_has_neither_ingress_nor_app_port() -> None:
    ports = resolved({"port": "none", **UPSTREAMS}).ports
    assert (ports.ingress, ports.app) == (None, None)
    assert [booking.label for booking in ports.bookings] == ["metrics", "egress_fx_rates", "egress_payments"]


def test_a_service_outside_the_mesh_listens_itself_where_others_reach_it() -> None:
    ports = resolved({"mesh": False}).ports
    assert ports.bookings == (Booking("app"),)
    assert ports.app == Address(Slot("NOMAD_IP_app", "127.0.0.1"), Slot("NOMAD_PORT_app", 20_000))
    assert resolved({"mesh": False, "port": 80}, BRIDGE).ports.app == Address("0.0.0.0", 80)


def test_loopback_transport_books_ports_for_agent_and_admin() -> None:
    ports = resolved({}, {"sidecar": {"transport": "loopback"}}).ports
    assert str(ports.agent) == "127.0.0.1:${NOMAD_PORT_agent}"
    assert str(ports.admin) == "127.0.0.1:${NOMAD_PORT_admin}"
