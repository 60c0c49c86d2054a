"""Where a service outside Consul is reached: ``host:port`` as DNS, TLS and the Host header all understand it."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from outrider.spec.values import HIGHEST_PORT, refusal, shown

HOST_PORT = r"^([A-Za-z0-9_]([A-Za-z0-9._-]{0,252}[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]{2,45}\]):[1-9][0-9]{0,4}$"
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)")
PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443, "grpcs": 443, "redis": 6_379, "rediss": 6_379}
WITH_TLS = frozenset({"https", "wss", "grpcs", "rediss"})
NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?")
# WHATWG URL, "ends in a number": resolvers and clients read such a name as IPv4, each in its own way.
A_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
LONGEST_NAME, LONGEST_LABEL = 253, 63
AS_IN = 'as in "fx.example.com:443"'


def host_and_port(text: str) -> str:
    """The text, where it is ``host:port``: a name, an IPv4 address, or an IPv6 address in brackets."""
    _refuse_url(text)
    host, colon, port = text.rpartition(":")
    if not colon or not host or host.endswith(":"):
        raise refusal(f'must be "host:port", {AS_IN}; found {shown(text)}', _with_brackets(text))
    if not re.fullmatch("[1-9][0-9]{0,4}", port, re.ASCII) or int(port) > HIGHEST_PORT:
        raise refusal(f'must be "host:port" with a port from 1 to {HIGHEST_PORT}, {AS_IN}; found {shown(text)}')
    _refuse_host(host, port)
    return text


def _refuse_url(text: str) -> None:
    """A URL, a path or a user: what the app says itself, or what does not belong in a file."""
    if "@" in text:
        raise refusal(f'must be "host:port" without a user or password, {AS_IN}: the app itself says who it is')
    scheme = SCHEME.fullmatch(text)
    if scheme:
        hint = ", and tls: true beside it" if scheme[1].lower() in WITH_TLS else ""
        raise refusal(
            f'must be "host:port" and no URL{hint}; found {shown(text)}', _without_scheme(scheme[1].lower(), scheme[2])
        )
    if re.search("[/?#]", text):
        raise refusal(
            f'must be "host:port" without a path: the app says it in its request; found {shown(text)}',
            _fitting(re.split("[/?#]", text)[0]),
        )


def _without_scheme(scheme: str, rest: str) -> str | None:
    place = re.split("[/?#]", rest)[0]
    return _fitting(place) or (_fitting(f"{place}:{PORTS[scheme]}") if scheme in PORTS else None)


def _with_brackets(text: str) -> str | None:
    host, _, port = text.rpartition(":")
    return _fitting(f"[{host}]:{port}")


def _fitting(text: str) -> str | None:
    """The text, where it would be accepted."""
    try:
        return host_and_port(text)
    except Exception:  # noqa: BLE001 - pydantic's error, whose class is no more than "refused"
        return None


def _refuse_host(host: str, port: str) -> None:
    if host.startswith("[") and host.endswith("]"):
        _refuse_ipv6(host[1:-1])
    elif ":" in host:
        raise refusal(f"an IPv6 address stands in brackets; found {shown(host)}", _fitting(f"[{host}]:{port}"))
    elif not host.isascii():
        raise refusal(
            f"must be written as DNS has it, in ASCII (xn--…); found {shown(host)}",
            _fitting(f"{_in_ascii(host)}:{port}"),
        )
    elif A_NUMBER.fullmatch(host.removesuffix(".").rpartition(".")[2]):
        _refuse_ipv4(host)
    else:
        _refuse_name(host)


def _refuse_ipv6(text: str) -> None:
    if "%" in text:
        raise refusal(
            f"must have no zone ({shown('%' + text.partition('%')[2])}): it means an interface of one node only"
        )
    try:
        parsed = IPv6Address(text)
    except AddressValueError:
        raise refusal(f"must have an IPv6 address within its brackets; found {shown(text)}") from None
    if parsed.is_unspecified or parsed.is_multicast:
        raise refusal(f"must be an address that one can connect to; found {shown(text)}")


def _refuse_ipv4(text: str) -> None:
    """Only four plain decimal numbers: ``010.1.1.1``, ``127.1`` and ``0x7f.1`` mean different things to different readers."""
    try:
        parsed = IPv4Address(text)
    except AddressValueError:
        raise refusal(
            f"ends in a number, and is no IPv4 address: four numbers from 0 to 255 without leading zeros; found {shown(text)}"
        ) from None
    if parsed.is_unspecified or parsed.is_multicast or parsed == IPv4Address("255.255.255.255"):
        raise refusal(f"must be an address that one can connect to; found {shown(text)}")


def _refuse_name(host: str) -> None:
    """RFC 1123, with underscores, which DNS and clients take. One dot at the end keeps search domains away."""
    name = host.removesuffix(".")
    if len(name) > LONGEST_NAME:
        raise refusal(f"must be a name of at most {LONGEST_NAME} signs; found {len(name)}")
    for label in name.split("."):
        if len(label) > LONGEST_LABEL:
            raise refusal(f"must have at most {LONGEST_LABEL} signs between two dots; found {shown(label)}")
        if not NAME.fullmatch(label):
            of = f" ({shown(label)})" if label else " (nothing between two dots)"
            raise refusal(f"must be a host name of letters, digits, - and dots{of}; found {shown(host)}")


def _in_ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""


HostPort = Annotated[str, AfterValidator(host_and_port), WithJsonSchema({"type": "string", "pattern": HOST_PORT})]
