"""An application that asks its upstream ``echo`` as soon as it runs, and shows how that went and where it asked."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FIRST = 20
URL = os.environ["ECHO_URL"]


def status() -> int:
    try:
        with urllib.request.urlopen(URL, timeout=5) as answer:  # a URL that Outrider made
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code


SHOWN = json.dumps({"began": time.monotonic(), "url": URL, "statuses": [status() for _ in range(FIRST)]}).encode()


class Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(SHOWN)))
        self.end_headers()
        self.wfile.write(SHOWN)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the parent's name
        """Keep quiet."""


ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Answers).serve_forever()
