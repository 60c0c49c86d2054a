"""Envoy's REST discovery of endpoints: which poll a request body is, and the answer's bytes.

Facts (Envoy 1.40): a poll names one resource; ``version_info``, once one was accepted, is the first key of its body;
``resource_names`` and ``type_url`` follow the 77 KB ``node`` at the very end. So the node is never parsed.
"""

from __future__ import annotations

from outrider_agent.documents import list_in, object_in, parsed, rendered
from outrider_agent.endpoints import HEALTHY, Endpoint, Endpoints
from outrider_agent.fingerprint import fingerprint

PATH = "/v3/discovery:endpoints"
TYPE_URL = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
VERSION_KEY = b'{"version_info":"'
NAMES_KEY = b'"resource_names":["'
OTHER_FIRST_KEYS = (b'{"node":', b'{"resource_names":')


class UnreadableError(ValueError):
    """These two ends do not show which poll this is: the whole body is needed, or it is none."""


class Question:
    """What one poll asks: the upstream's label, and the version that Envoy has accepted ("" for none)."""

    __slots__ = ("label", "version")

    def __init__(self, label: str, version: str) -> None:
        self.label = label
        self.version = version


class Answer:
    """One upstream's endpoints as Envoy reads them; ``version`` changes if and only if they do."""

    __slots__ = ("body", "version")

    def __init__(self, label: str, endpoints: Endpoints) -> None:
        resource = load_assignment(label, endpoints).encode()
        self.version = fingerprint(resource)
        head = f'{{"version_info":"{self.version}","type_url":"{TYPE_URL}","resources":['.encode()
        self.body = b"".join((head, resource, b"]}"))  # a long list is several MB, and not one copy more than needed


def question(head: bytes, tail: bytes) -> Question:
    """The question in a body's first and last bytes; raise UnreadableError where they do not show it."""
    version = b""
    if head.startswith(VERSION_KEY):
        version, quote, _ = head[len(VERSION_KEY) :].partition(b'"')
        if not quote or b"\\" in version:
            raise UnreadableError("version_info does not end")
    elif not head.startswith(OTHER_FIRST_KEYS):
        raise UnreadableError("neither version_info nor node comes first")
    start = tail.rfind(NAMES_KEY)
    label, quote, rest = tail[start + len(NAMES_KEY) :].partition(b'"')
    if start < 0 or not quote or not rest.startswith(b"]") or b"\\" in label:
        raise UnreadableError("resource_names is not at the end, or is not one name")
    return Question(label.decode("utf-8", "replace"), version.decode("latin-1"))


def whole_question(body: bytes) -> Question:
    """The same from the whole body; raise UnreadableError for what is no poll for one resource."""
    try:
        document = object_in(parsed(body.decode()))
    except ValueError as problem:
        raise UnreadableError("no DiscoveryRequest") from problem
    names, version = list_in(document.get("resource_names")), document.get("version_info", "")
    label = names[0] if len(names) == 1 else None
    if not isinstance(label, str) or not isinstance(version, str):
        raise UnreadableError("no DiscoveryRequest for one resource")
    return Question(label, version)


def load_assignment(label: str, endpoints: Endpoints) -> str:
    """A ClusterLoadAssignment as JSON; without endpoints it empties the cluster, and nothing else does.

    Written out, since this stands between Consul's answer and Envoy's: a tree of objects takes five times as long.
    """
    listed = ",".join([lb_endpoint(one) for one in endpoints])
    localities = f'{{"lb_endpoints":[{listed}]}}' if listed else ""
    return f'{{"@type":"{TYPE_URL}","cluster_name":{rendered(label)},"endpoints":[{localities}]}}'


def lb_endpoint(endpoint: Endpoint) -> str:
    """An LbEndpoint; ``canary`` is always there, so that a subset may ask for those that are none."""
    weight = f',"load_balancing_weight":{endpoint.weight}' if endpoint.weight != 1 else ""
    health = f',"health_status":"{endpoint.health}"' if endpoint.health != HEALTHY else ""
    version = f',"version":{rendered(endpoint.version)}' if endpoint.version else ""
    address = f'{{"address":{rendered(endpoint.address)},"port_value":{endpoint.port}}}'
    return (
        f'{{"endpoint":{{"address":{{"socket_address":{address}}}}},"metadata":{{"filter_metadata":{{"envoy.lb":'
        f'{{"canary":{rendered(endpoint.is_canary)}{version}}}}}}}{weight}{health}}}'
    )
