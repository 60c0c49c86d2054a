"""A file of any bytes that a job carries in a template, as it carries the agent; embedded and real."""

from __future__ import annotations

import hashlib
from base64 import b64decode, b64encode

import pytest
from outrider_harness.nomad_calls import NomadCalls, job, script

from outrider.clients.agent_archive import carried_agent
from outrider.nomad.write.access import of_everybody
from outrider.nomad.write.template import bytes_of, template

EVERY_BYTE = bytes(range(256))
# Line ends of every system, a mark of byte order, halves of signs, braces of the template's own language.
DELICATE = b'\r\n\n\r\xef\xbb\xbf\xff\xfe\xed\xa0\x80\xc3{{ env "HOME" }}}}${NOMAD_ALLOC_ID}%{x}\x00\n'
LARGE = hashlib.sha256(b"seed").digest() * 6_000  # 192 kB: more than any environment string or argument may have
KEEP = "sha256sum local/carried | cut -c1-64 > local/sum; while true; do sleep 0.1; done"


@pytest.mark.parametrize(
    "content", [EVERY_BYTE, DELICATE, LARGE, b"\n", b"{{"], ids=["every", "delicate", "large", "line", "brace"]
)
async def test_a_file_of_any_bytes_is_rendered_from_base64_byte_for_byte(
    calls: NomadCalls, content: bytes, request: pytest.FixtureRequest
) -> None:
    name = f"carried-{request.node.callspec.params['content'][:4].hex()}-{len(content)}"
    reader = script("app", KEEP)
    reader["Templates"] = [template("local/carried", bytes_of(b64encode(content).decode()), of_everybody())]
    await calls.healthy(job(name, reader))
    identifier = (await calls.allocation(name))["ID"]
    assert (await calls.written(identifier, "app/local/sum")).strip() == hashlib.sha256(content).hexdigest()


async def test_the_agent_that_a_job_carries_is_the_archive_itself_on_the_node(calls: NomadCalls) -> None:
    carried = carried_agent()
    tasks = [script("app", KEEP), script("other", KEEP)]
    for task, text in zip(tasks, (carried.serve, carried.gate), strict=True):
        task["Templates"] = [template("local/carried", bytes_of(text), of_everybody())]
    await calls.healthy(job("carried-agent", *tasks))
    identifier = (await calls.allocation("carried-agent"))["ID"]
    for name, text in (("app", carried.serve), ("other", carried.gate)):
        said = (await calls.written(identifier, f"{name}/local/sum")).strip()
        assert said == hashlib.sha256(b64decode(text)).hexdigest()


async def test_a_key_of_any_bytes_is_rendered_byte_for_byte(calls: NomadCalls) -> None:
    (await calls.consul.put("/v1/kv/carried/key", content=EVERY_BYTE + DELICATE)).raise_for_status()
    reader = script("app", KEEP)
    reader["Templates"] = [template("local/carried", '{{ key "carried/key" }}', of_everybody())]
    await calls.healthy(job("carried-key", reader))
    identifier = (await calls.allocation("carried-key"))["ID"]
    said = (await calls.written(identifier, "app/local/sum")).strip()
    assert said == hashlib.sha256(EVERY_BYTE + DELICATE).hexdigest()
