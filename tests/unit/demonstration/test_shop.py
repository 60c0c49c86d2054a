from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys

from outrider_harness.ports import free_port

from outrider.programs.demonstration.shop import shop, shop_folder

BURST = 40


def test_callees_come_before_their_callers() -> None:
    specs = shop(shop_folder(), with_sessions=True)
    place = {spec.service: number for number, spec in enumerate(specs)}
    assert all(place[upstream] < place[spec.service] for spec in specs for upstream in spec.upstreams)


def test_the_shop_has_at_least_six_services_that_speak_http() -> None:
    texts = [spec.text for spec in shop(shop_folder(), with_sessions=True)]
    assert sum("protocol: http" in text for text in texts) >= 6


def test_without_redis_the_cart_has_no_sessions() -> None:
    specs = {spec.service: spec for spec in shop(shop_folder(), with_sessions=False)}
    assert "sessions" not in specs
    assert specs["cart"].upstreams == ()


def test_an_app_of_the_shop_lets_a_burst_of_connections_wait() -> None:
    """Python's own five are fewer than one sidecar opens at once after a deploy."""
    port = free_port()
    place = {"HOST": "127.0.0.1", "PORT": str(port), "OUTRIDER_SERVICE": "inventory"}
    command = [sys.executable, shop_folder() / "apps" / "inventory.py"]
    with subprocess.Popen(command, env=place, stdout=subprocess.PIPE) as app, contextlib.ExitStack() as stack:
        stack.callback(app.kill)
        assert app.stdout
        assert app.stdout.readline()
        app.send_signal(signal.SIGSTOP)
        for _ in range(BURST):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
