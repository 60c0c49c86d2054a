"""HTTP/2 with prior knowledge from end to end: many streams on one connection, and an HTTP/1.1 caller of such an app."""

from __future__ import annotations

import asyncio
import contextlib

import h2.config
import h2.connection
import h2.events
from support.http2 import answers
from support.street import Street


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An HTTP/2 app that answers each stream with its path."""
    paths: dict[int, bytes] = {}
    connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding=None))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65_536):
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    paths[event.stream_id] = dict(event.headers)[b":path"]
                if isinstance(event, h2.events.StreamEnded):
                    connection.send_headers(event.stream_id, [(":status", "200")])
                    connection.send_data(event.stream_id, paths.pop(event.stream_id), end_stream=True)
            writer.write(connection.data_to_send())


async def test_a_hundred_streams_share_one_connection_from_the_app_to_the_other_app(street: Street) -> None:
    search = await street.sidecar({"service": "search", "protocol": "http2"}, await street.server(serve))
    street.discovery.names("search", search.ports["ingress"])
    shop = await street.sidecar({"service": "shop", "port": "none", "upstreams": {"search": {"protocol": "http2"}}})
    await street.knows(shop, "search", 1)
    paths = [f"/{number}" for number in range(100)]
    found = await answers(shop.ports["egress_search"], paths)
    assert [found[2 * number + 1].decode() for number in range(100)] == paths
    await street.shows(shop, r'cluster_upstream_cx_total\{.*"search".*\} 1$')
    await street.shows(search, r'cluster_upstream_cx_total\{.*"local_app".*\} 1$')


async def test_a_caller_or_a_check_that_speaks_http1_is_understood(street: Street) -> None:
    search = await street.sidecar({"service": "search", "protocol": "http2"}, await street.server(serve))
    assert (await street.client.get(search.ingress + "/healthz")).content == b"/healthz"
