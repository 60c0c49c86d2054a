"""Real clients and balancers with their defaults, through the sidecars of a caller and a callee."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from outrider_harness.ports import free_port
from outrider_harness.waiting import until
from support.raw_http import RawApp, Seen
from support.street import Sidecar, Street, ended

pytestmark = pytest.mark.asyncio(loop_scope="module")
LISTENERS = pytest.mark.parametrize("listener", ["ingress", "egress_payments"])
LARGE = 1_500_000
Program = Callable[[str], str]

NGINX = """
daemon off; master_process off; pid {home}/pid; error_log {home}/error;
events {{}}
http {{
  access_log off;
  client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
  fastcgi_temp_path {home}/fastcgi; uwsgi_temp_path {home}/uwsgi; scgi_temp_path {home}/scgi;
  upstream my_pool {{ server 127.0.0.1:{to}; }}
  server {{
    listen 127.0.0.1:{at};
    location / {{ proxy_pass http://127.0.0.1:{to}; }}
    location /pool/ {{ proxy_pass http://my_pool/; }}
    location /kept/ {{ proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://my_pool/; }}
  }}
}}
"""
HAPROXY = """
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
listen front
  bind 127.0.0.1:{at}
  option httpchk
  server one 127.0.0.1:{to} check inter 100ms fall 1 rise 1
"""
JAVA = """
import java.net.*;
import java.net.http.*;

public class Call {
    public static void main(String[] arguments) throws Exception {
        URI uri = URI.create(arguments[0]);
        HttpURLConnection old = (HttpURLConnection) uri.toURL().openConnection();
        System.out.println(old.getResponseCode());
        HttpClient client = HttpClient.newHttpClient();
        HttpRequest get = HttpRequest.newBuilder(uri).build();
        HttpRequest post = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString("a=b")).build();
        for (HttpRequest request : new HttpRequest[] {get, post})
            System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    }
}
"""
GO = """
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
)

func main() {
	got, err := http.Get(os.Args[1])
	if err != nil {
		panic(err)
	}
	posted, err := http.Post(os.Args[1], "text/plain", struct{ *strings.Reader }{strings.NewReader("abc")})
	if err != nil {
		panic(err)
	}
	fmt.Println(got.StatusCode, posted.StatusCode)
}
"""
NODE = """
const http = require("http"), url = process.argv[2];
http.get(url, async (answer) => {
  console.log(answer.statusCode);
  answer.resume();
  console.log((await fetch(url)).status, (await fetch(url, {method: "POST", body: "a=b"})).status);
});
"""
PHP = """
$get = file_get_contents($argv[1]);
$old = file_get_contents($argv[1], false, stream_context_create(["http" => ["protocol_version" => 1.0]]));
echo $get, $old;
"""
PYTHON = """
import http.client, sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).status)
connection = http.client.HTTPConnection(sys.argv[1].removeprefix("http://"))
connection.request("POST", "/", body=iter([b"a", b"b"]))
print(connection.getresponse().status)
"""


@dataclass
class Place:
    """A caller's sidecar, a callee's and its app."""

    app: RawApp
    payments: Sidecar
    checkout: Sidecar
    street: Street

    def port(self, listener: str) -> int:
        return {**self.payments.ports, **self.checkout.ports}[listener]

    def url(self, listener: str) -> str:
        return f"http://127.0.0.1:{self.port(listener)}"

    async def sees(self, wanted: Callable[[Seen], bool], times: int) -> None:
        """Wait until so many such requests have reached the app."""

        async def has() -> bool:
            return sum(map(wanted, self.app.seen)) >= times

        await until(has)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(standing_street: Street) -> Place:
    street, app = standing_street, RawApp()
    payments = await street.sidecar({"service": "payments"}, await street.server(app.serve))
    street.discovery.names("payments", payments.ports["ingress"])
    checkout = await street.sidecar({"service": "checkout", "port": "none", "upstreams": {"payments": {}}})
    await street.knows(checkout, "payments", 1)
    return Place(app, payments, checkout, street)


async def said(*command: str) -> str:
    """What the client prints; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
    )
    async with asyncio.timeout(120):
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    return out.decode()


@asynccontextmanager
async def running(port: int, *command: str) -> AsyncGenerator[str]:
    """The address of a balancer that listens."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    try:
        reader, writer = await connected(port)
        del reader
        writer.close()
        yield f"http://127.0.0.1:{port}"
    finally:
        await ended(process)


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(20):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.05)


@LISTENERS
@pytest.mark.needs("nginx")
async def test_nginx_passes_requests_on_with_its_defaults(
    place: Place, program: Program, tmp_path: Path, listener: str
) -> None:
    at = free_port()
    file = tmp_path / "nginx.conf"
    file.write_text(NGINX.format(home=tmp_path, at=at, to=place.port(listener)))
    async with running(at, program("nginx"), "-c", str(file), "-p", str(tmp_path)) as url:
        for path in ("/", "/pool/", "/kept/"):
            for _ in range(3):
                answer = await place.street.client.post(url + path, content=b"abc")
                assert (answer.status_code, answer.text) == (200, "good")
                assert place.app.seen[-1].body == b"abc"


@LISTENERS
@pytest.mark.needs("haproxy")
async def test_haproxy_finds_it_healthy_by_its_default_check(
    place: Place, program: Program, tmp_path: Path, listener: str
) -> None:
    at = free_port()
    file = tmp_path / "haproxy.cfg"
    file.write_text(HAPROXY.format(at=at, to=place.port(listener)))
    place.app.seen.clear()
    async with running(at, program("haproxy"), "-f", str(file)) as url:
        await place.sees(lambda request: request.line == b"OPTIONS / HTTP/1.1", 5)
        answer = await place.street.client.get(url)
        assert (answer.status_code, answer.text) == (200, "good")
        assert any(request.line == b"GET / HTTP/1.1" for request in place.app.seen)


@LISTENERS
@pytest.mark.needs("curl")
@pytest.mark.parametrize("options", [[], ["--http1.0"], ["--http2"], ["--http2-prior-knowledge"]])
async def test_curl_gets_an_answer(place: Place, program: Program, options: list[str], listener: str) -> None:
    assert await said(program("curl"), "-sSf", *options, place.url(listener)) == "good"


@LISTENERS
@pytest.mark.needs("curl")
async def test_curl_sends_what_it_asks_about_first(
    place: Place, program: Program, tmp_path: Path, listener: str
) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"x" * LARGE)
    assert await said(program("curl"), "-sSf", "--data-binary", f"@{file}", place.url(listener)) == "good"
    assert len(place.app.seen[-1].body) == LARGE
    assert b"\r\nexpect: 100-continue" in place.app.seen[-1].head


@LISTENERS
@pytest.mark.needs("ab")
@pytest.mark.parametrize("options", [[], ["-k"]])
async def test_ab_measures(place: Place, program: Program, options: list[str], listener: str) -> None:
    report = await said(program("ab"), "-q", "-n", "50", "-c", "2", *options, place.url(listener) + "/")
    assert "Failed requests:        0" in report
    assert "Non-2xx" not in report
    assert ("Keep-Alive requests:    50" in report) is bool(options)


@LISTENERS
@pytest.mark.needs("wrk")
async def test_wrk_measures(place: Place, program: Program, listener: str) -> None:
    report = await said(program("wrk"), "-t1", "-c2", "-d1s", place.url(listener))
    assert "requests in" in report
    assert "Non-2xx" not in report
    assert "Socket errors" not in report


@LISTENERS
@pytest.mark.needs("php")
async def test_php_gets_answers(place: Place, program: Program, listener: str) -> None:
    assert await said(program("php"), "-n", "-r", PHP, place.url(listener)) == "goodgood"


@LISTENERS
@pytest.mark.needs("node")
async def test_node_gets_answers(place: Place, program: Program, listener: str) -> None:
    assert (await said(program("node"), "-e", NODE, "--", "", place.url(listener))).split() == ["200"] * 3


@LISTENERS
async def test_python_gets_answers(place: Place, listener: str) -> None:
    assert (await said(sys.executable, "-c", PYTHON, place.url(listener))).split() == ["200"] * 2


@LISTENERS
@pytest.mark.needs("java")
async def test_both_clients_of_java_get_answers(place: Place, program: Program, tmp_path: Path, listener: str) -> None:
    file = tmp_path / "Call.java"
    file.write_text(JAVA)
    assert (await said(program("java"), str(file), place.url(listener))).split() == ["200"] * 3


@LISTENERS
@pytest.mark.needs("go")
async def test_go_gets_answers(place: Place, program: Program, tmp_path: Path, listener: str) -> None:
    file = tmp_path / "main.go"
    file.write_text(GO)
    assert (await said(program("go"), "run", str(file), place.url(listener))).split() == ["200"] * 2
