"""Who can reach what of a sidecar: which ports it opens and where, and what its administration refuses."""

from __future__ import annotations

import httpx2
import psutil
from support.http_app import Request
from support.street import Street

LISTENING = "0A"


async def good(request: Request) -> tuple[int, bytes]:
    return 200, b"good"


def listening(process: int) -> dict[int, str]:
    """Port → address of every TCP socket that the process listens on."""
    found = [one for one in psutil.Process(process).net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    return {one.laddr.port: one.laddr.ip for one in found}


async def test_e18_a_sidecar_listens_where_its_ports_are_booked_and_nowhere_else(street: Street) -> None:
    app = await street.app(good)
    spec = {"service": "shop", "upstreams": {"payments": {}, "sessions": {"protocol": "redis"}}}
    shop = await street.sidecar(spec, app.port, {"tracing": {"collector": "http://127.0.0.1:9"}})
    booked = {port for label, port in shop.ports.items() if label != "app"}
    found = listening(shop.process.pid)
    assert set(found) == booked
    assert set(found.values()) == {"127.0.0.1"}


async def test_e18_egress_and_app_stay_on_loopback_where_ingress_is_the_nodes(street: Street) -> None:
    street.node_address = "127.0.0.2"
    app = await street.app(good)
    shop = await street.sidecar({"service": "shop", "upstreams": {"payments": {}}}, app.port)
    found = listening(shop.process.pid)
    assert {label: found[port] for label, port in shop.ports.items() if label != "app"} == {
        "ingress": "127.0.0.2",
        "metrics": "127.0.0.2",
        "egress_payments": "127.0.0.1",
    }


async def test_e18_admin_refuses_what_changes_or_tells_too_much_even_on_its_socket(street: Street) -> None:
    app = await street.app(good)
    payments = await street.sidecar({"service": "payments"}, app.port)
    socket = payments.log.parent / "alloc/envoy.sock"
    async with httpx2.AsyncClient(transport=httpx2.AsyncHTTPTransport(uds=str(socket))) as admin:
        for path in ("quitquitquit", "logging?level=debug", "runtime_modify?a=b", "drain_listeners", "reset_counters"):
            assert (await admin.post(f"http://admin/{path}")).status_code == 403, path
        for path in ("config_dump", "certs", "server_info", "contention", "hot_restart_version", "help", ""):
            assert (await admin.get(f"http://admin/{path}")).status_code == 403, path
        assert (await admin.get("http://admin/ready")).status_code == 200
