"""What the portal's client of Nomad makes of an answer."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from outrider.clients.nomad import nomad_client
from outrider.server_settings import NomadSettings

NOBODY = {"AccessorID": "acls-disabled", "SecretID": "", "Name": "ACLs disabled token", "Type": "client"}
LIMITED = {"AccessorID": "5c9a", "Type": "client", "Policies": ["reads"], "Roles": None}
POLICY = {"Name": "reads", "RulesJSON": {"Namespaces": []}}
ANSWERS = {"/v1/acl/policy/reads": httpx2.Response(200, json=POLICY)}


async def policies(own: httpx2.Response) -> list[dict[str, Any]] | None:
    answers = {**ANSWERS, "/v1/acl/token/self": own}
    transport = httpx2.MockTransport(lambda request: answers[request.url.path])
    return await nomad_client("http://nomad", NomadSettings(), transport=transport).own_policies()


@pytest.mark.parametrize(
    "own",
    [
        pytest.param(httpx2.Response(400, text="ACL support disabled"), id="1.6.5 without ACLs"),
        pytest.param(httpx2.Response(200, json={**NOBODY, "Policies": None, "Roles": None}), id="2.0.5 without ACLs"),
        pytest.param(httpx2.Response(200, json={"AccessorID": "1", "Type": "management"}), id="a management token"),
    ],
)
async def test_who_may_do_everything_has_no_policies_to_look_at(own: httpx2.Response) -> None:
    assert await policies(own) is None


async def test_anybody_else_has_those_of_the_token() -> None:
    assert await policies(httpx2.Response(200, json=LIMITED)) == [POLICY]
