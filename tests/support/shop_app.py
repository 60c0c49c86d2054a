"""An application that uses what it is given: GET /redis and GET /postgresql write a value there and read it back, /calls asks an upstream."""

from __future__ import annotations

import os
import socket
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg


def redis() -> str:
    host, port = os.environ["SESSIONS_ADDR"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        reader = connection.makefile("rb")
        connection.sendall(b"*3\r\n$3\r\nSET\r\n$4\r\ncart\r\n$5\r\nthree\r\n")
        said = reader.readline().decode().strip()
        connection.sendall(b"*2\r\n$3\r\nGET\r\n$4\r\ncart\r\n")
        return f"{said} {reader.readline().decode().strip()} {reader.readline().decode().strip()}"


def postgresql() -> str:
    user, secret, database = (os.environ[f"ORDERS_DB_{end}"] for end in ("USER", "PASSWORD", "DATABASE"))
    address = f"postgresql://{user}:{secret}@{os.environ['ORDERS_DB_ADDR']}/{database}?connect_timeout=5"
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS orders (number int)")
        connection.execute("INSERT INTO orders VALUES (1)")
        found = connection.execute("SELECT count(*), current_user FROM orders").fetchone()
    return f"{found[0]} {found[1]}" if found else "nothing"


def called() -> str:
    with urllib.request.urlopen(os.environ["PAYMENTS_URL"], timeout=5) as answer:
        return answer.read().decode()


ANSWERS = {"/redis": redis, "/postgresql": postgresql, "/calls": called, "/": lambda: "here"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        try:
            status, text = 200, ANSWERS[self.path]()
        except Exception as error:  # noqa: BLE001  told to whoever asks
            status, text = 502, repr(error)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name
        """Nobody reads it."""


ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
