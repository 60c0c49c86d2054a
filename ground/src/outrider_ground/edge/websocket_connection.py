"""One WebSocket of a server: uvicorn's own, that answers what uvicorn leaves without an answer."""

from __future__ import annotations

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

UNREAD = b"the head of this request is too large for a WebSocket: lines have at most 8 KiB"
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
    b"Connection: close\r\n\r\n%s"
) % (len(UNREAD), UNREAD)


class WebSocketConnection(WebSocketsSansIOProtocol):
    """Uvicorn lets a head that it cannot read wait for ever, and logs each refusal as an error: anybody could do both."""

    def data_received(self, data: bytes) -> None:
        """The whole head comes at once, from the connection that the request has begun on."""
        super().data_received(data)
        if not self.handshake_initiated:
            self.transport.write(TOO_LARGE)
            self.transport.close()

    async def send(self, message: Any) -> None:
        """What the application says; the last part of a refusal ends the handshake."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True
