"""The node as Nomad would describe it."""

from __future__ import annotations

from outrider_embedded.scheduler.node import node_address, node_document, node_stub


def test_labels_are_booked_on_the_address_of_the_node() -> None:
    node = node_document("node-2", "10.77.0.2:4646", (20_000, 21_000), {})
    assert node_address(node) == "10.77.0.2"
    (network,) = node["NodeResources"]["NodeNetworks"]
    assert network["Addresses"][0]["Address"] == "10.77.0.2"
    assert node["Attributes"]["unique.network.ip-address"] == "10.77.0.2"
    assert node_stub(node)["Address"] == "10.77.0.2"


def test_the_device_is_the_one_that_has_the_address() -> None:
    node = node_document("node-1", "127.0.0.1:4646", (20_000, 21_000), {})
    assert node["NodeResources"]["Networks"][0]["Device"] == "lo"


def test_nodes_differ_by_their_names() -> None:
    first, second = (node_document(name, "127.0.0.1:0", (1, 2), {}) for name in ("node-1", "node-2"))
    assert first["ID"] != second["ID"]
