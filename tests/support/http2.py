"""An HTTP/2 client of one connection, with prior knowledge."""

from __future__ import annotations

import asyncio

import h2.connection
import h2.events


async def answers(port: int, paths: list[str]) -> dict[int, bytes]:
    """Asked all at once on one connection; stream → body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = h2.connection.H2Connection()
    connection.initiate_connection()
    for stream, path in enumerate(paths):
        head = [(":method", "GET"), (":path", path), (":scheme", "http"), (":authority", "a")]
        connection.send_headers(2 * stream + 1, head, end_stream=True)
    writer.write(connection.data_to_send())
    bodies: dict[int, bytes] = {}
    ended = 0
    async with asyncio.timeout(15):
        while ended < len(paths):
            for event in connection.receive_data(await reader.read(65_536)):
                if isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                ended += isinstance(event, h2.events.StreamEnded)
            writer.write(connection.data_to_send())
    writer.close()
    await writer.wait_closed()
    return bodies
