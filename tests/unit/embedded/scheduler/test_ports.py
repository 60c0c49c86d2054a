"""Booking of ports."""

from __future__ import annotations

import socket

import pytest
from outrider_embedded.scheduler.ports import NoPortLeftError, PortBook, PortCollisionError, is_port_free


def book(*used: int) -> PortBook:
    return PortBook(100, 104, lambda port: port not in used)


def test_no_two_allocations_have_the_same_port() -> None:
    ports = book()
    assert [ports.dynamic("a"), ports.dynamic("b"), ports.dynamic("a")] == [100, 101, 102]


def test_a_port_in_use_on_the_machine_is_passed_over() -> None:
    assert book(100, 101).dynamic("a") == 102


def test_a_port_that_was_given_back_comes_last() -> None:
    ports = book()
    assert ports.dynamic("a") == 100
    ports.release("a")
    assert [ports.dynamic("b") for _ in range(4)] == [101, 102, 103, 100]


def test_a_search_that_begins_further_on_comes_round_to_all_ports() -> None:
    ports = PortBook(100, 104, lambda _port: True, next_step=2)
    assert [ports.dynamic("a") for _ in range(4)] == [102, 103, 100, 101]


def test_an_empty_range_is_told() -> None:
    ports = book(100, 101, 102, 103)
    with pytest.raises(NoPortLeftError, match="dynamic port selection failed"):
        ports.dynamic("a")


def test_a_fixed_port_belongs_to_one_allocation_until_it_leaves() -> None:
    ports = book()
    ports.reserved("a", "http", 80)
    with pytest.raises(PortCollisionError, match="reserved port collision http=80"):
        ports.reserved("b", "http", 80)
    ports.leave("a")
    assert ports.reserved("b", "http", 80) == 80
    ports.release("a")
    with pytest.raises(PortCollisionError):
        ports.reserved("c", "http", 80)


def test_a_listener_on_any_address_makes_a_port_used() -> None:
    with socket.socket() as listener:
        listener.bind(("0.0.0.0", 0))
        listener.listen()
        assert not is_port_free(listener.getsockname()[1])


def test_a_listener_on_the_nodes_own_address_makes_a_port_used_there() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.2", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert is_port_free(port)
        assert not is_port_free(port, ("127.0.0.1", "127.0.0.2"))
