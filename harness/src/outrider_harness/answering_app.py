"""The application that the load of no_lost_requests.py meets: answers GET and POST, and enters each POST in a ledger."""

from __future__ import annotations

import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LEDGER = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
ANSWER = os.environ["FLAVOUR"].encode().ljust(100, b".")


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet

    def do_GET(self) -> None:
        self.answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        os.write(LEDGER, f"{self.path}\n".encode())
        self.answer()

    def answer(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name that is overridden
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 128


Server((os.environ["HOST"], int(os.environ["PORT"])), Answers).serve_forever()
