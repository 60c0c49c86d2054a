"""Addresses outside Consul: those that DNS, TLS and the Host header all read in one way, and words for all others."""

from __future__ import annotations

import re

import pytest
from pydantic_core import PydanticCustomError

from outrider.spec.address import HOST_PORT, host_and_port

LABEL = "a" * 63
LONGEST = ".".join([LABEL, LABEL, LABEL, "a" * 61])
GOOD = (
    *("fx.example.com:443", "fx.example.com.:443", "FX.Example.com:8443", "my_service:80", "localhost:1", "a:65535"),
    *("10.0.0.1:80", "[2001:db8::1]:443", "[::ffff:10.0.0.1]:443", "xn--bcher-kva.example:443", "3com.example:80"),
    *("a--b.example:80", "10.0.0.1.example:80", f"{LONGEST}:80", f"{LONGEST}.:80"),
)
# What is wrong, what the message says of it, and what to write instead.
BAD = {
    "fx.example.com": ('must be "host:port"', None),
    "": ('must be "host:port"', None),
    ":443": ('must be "host:port"', None),
    "fx::80": ('must be "host:port"', None),
    "2001:db8::1": ('must be "host:port"', None),
    "2001:db8::1:443": ("an IPv6 address stands in brackets", "[2001:db8::1]:443"),
    "[::1:80": ("an IPv6 address stands in brackets", None),
    "fx:0": ("a port from 1 to 65535", None),
    "fx:65536": ("a port from 1 to 65535", None),
    "fx:0443": ("a port from 1 to 65535", None),
    "fx:+80": ("a port from 1 to 65535", None),
    "fx:https": ("a port from 1 to 65535", None),
    "fx:\uff14\uff14\uff13": ("a port from 1 to 65535", None),
    "fx:443\n": ("a port from 1 to 65535", None),
    "http://fx:1": ('must be "host:port" and no URL', "fx:1"),
    "HTTPS://fx.example.com/a?b": ("and tls: true beside it", "fx.example.com:443"),
    "tcp://fx:9": ("no URL", "fx:9"),
    "tcp://fx": ("no URL", None),
    "redis://cache": ("no URL", "cache:6379"),
    "fx:443/x": ("without a path", "fx:443"),
    "fx/x:443": ("without a path", None),
    "fx:443?a=1": ("without a path", "fx:443"),
    "user@fx:443": ("without a user", None),
    "https://me:secret@fx": ("without a user", None),
    "010.1.1.1:80": ("is no IPv4 address", None),
    "1.2.3:80": ("is no IPv4 address", None),
    "0x7f.1:80": ("is no IPv4 address", None),
    "0x7f000001:80": ("is no IPv4 address", None),
    "2130706433:80": ("is no IPv4 address", None),
    "256.1.1.1:80": ("is no IPv4 address", None),
    "1.2.3.4.5:80": ("is no IPv4 address", None),
    "1.2.3.4.:80": ("is no IPv4 address", None),
    "a.123:80": ("is no IPv4 address", None),
    "[fe80::1%eth0]:443": ("must have no zone", None),
    "[1.2.3.4]:80": ("an IPv6 address within its brackets", None),
    "[]:80": ("an IPv6 address within its brackets", None),
    "[2001:db8:::1]:80": ("an IPv6 address within its brackets", None),
    "[::]:80": ("that one can connect to", None),
    "[ff02::1]:80": ("that one can connect to", None),
    "0.0.0.0:80": ("that one can connect to", None),
    "224.0.0.1:80": ("that one can connect to", None),
    "255.255.255.255:80": ("that one can connect to", None),
    "a..b:80": ("nothing between two dots", None),
    ".a:80": ("nothing between two dots", None),
    "a..:80": ("nothing between two dots", None),
    ".:80": ("nothing between two dots", None),
    "-a.b:80": ("of letters, digits, - and dots", None),
    "a-.b:80": ("of letters, digits, - and dots", None),
    "*.example.com:443": ("of letters, digits, - and dots", None),
    " fx:443": ("of letters, digits, - and dots", None),
    f"{LABEL}a.b:80": ("at most 63 signs between two dots", None),
    f"{LONGEST}a:80": ("at most 253 signs", None),
    "b\u00fccher.example:443": ("in ASCII", "xn--bcher-kva.example:443"),
}


@pytest.mark.parametrize("text", GOOD)
def test_an_address_comes_back_as_it_was_and_editors_take_it_too(text: str) -> None:
    assert host_and_port(text) == text
    assert re.fullmatch(HOST_PORT, text)


@pytest.mark.parametrize("text", BAD)
def test_an_address_that_others_would_read_otherwise_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(PydanticCustomError) as caught:
        host_and_port(text)
    said, suggestion = BAD[text]
    assert caught.value.context
    assert said in caught.value.context["text"]
    assert caught.value.context["suggestion"] == suggestion


def test_a_password_in_an_address_is_not_repeated_in_the_message() -> None:
    with pytest.raises(PydanticCustomError) as caught:
        host_and_port("https://me:secret@fx.example:443")
    assert "secret" not in str(caught.value)
