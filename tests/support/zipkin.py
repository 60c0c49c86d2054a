"""Spans as a collector reads them: Zipkin's JSON, and its protobuf in the same shape (zipkin-api's ``zipkin.proto``)."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from typing import Any

from support.http_app import Request

Json = dict[str, Any]
KINDS = {1: "CLIENT", 2: "SERVER"}
VARINT, FIXED64, BYTES = 0, 1, 2


def spans(requests: list[Request]) -> list[Json]:
    """Every span of the reports, each read as its content-type says."""
    return [span for request in requests for span in READERS[request.headers["content-type"]](request.body)]


def _spans_of_protobuf(body: bytes) -> list[Json]:
    return [_span(_fields(one)) for one in _fields(body)[1]]


READERS = {"application/json": json.loads, "application/x-protobuf": _spans_of_protobuf}


def _span(fields: _Fields) -> Json:
    said = {
        **{name: fields[number][0].hex() for number, name in ((1, "traceId"), (2, "parentId"), (3, "id"))},
        "kind": KINDS[fields[4][0]],
        "name": fields[5][0].decode(),
        "timestamp": int.from_bytes(fields[6][0], "little"),
        "duration": fields[7][0],
        "localEndpoint": _endpoint(_fields(fields[8][0])),
        "tags": dict(_tag(_fields(one)) for one in fields[11]),
    }
    return {name: value for name, value in said.items() if value != ""}


def _endpoint(fields: _Fields) -> Json:
    return {"serviceName": fields[1][0].decode(), "ipv4": str(IPv4Address(fields[2][0])), "port": fields[4][0]}


def _tag(fields: _Fields) -> tuple[str, str]:
    return fields[1][0].decode(), fields[2][0].decode()


class _Fields(dict[int, list[Any]]):
    """Values by number of their field; one that was not sent reads as empty bytes."""

    def __missing__(self, number: int) -> list[Any]:
        return [b""]


def _fields(message: bytes) -> _Fields:
    """Protobuf's wire format (https://protobuf.dev/programming-guides/encoding): numbers, or bytes to be read on."""
    found, at = _Fields(), 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire_type = key >> 3, key & 7
        if wire_type == VARINT:
            value, at = _varint(message, at)
        else:
            size, at = (8, at) if wire_type == FIXED64 else _varint(message, at)
            assert wire_type in {FIXED64, BYTES}
            assert at + size <= len(message), "cut off"
            value, at = message[at : at + size], at + size
        found.setdefault(number, []).append(value)
    return found


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, lowest first, and where the next one begins."""
    value, shift = 0, 0
    while True:
        byte = message[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:  # the highest bit says whether another byte follows
            return value, at
