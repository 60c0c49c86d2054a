"""What a sidecar says to a client whose request it refuses, and which upgrades it ignores instead."""

from __future__ import annotations

from outrider.documents import Json
from outrider.envoy.access_log import BAD_REQUEST, status_filter

# "Not implemented" is the last status that tells a client of its own request; above it stand failures.
LAST_REFUSAL = 501
WEBSOCKET = "websocket"


def refusal_mapper(service: str, listener: str) -> Json:
    """Names the sidecar and Envoy's reason in the body; alone, Envoy's says at most what the status says."""
    text = f"the sidecar of {service} ({listener}) refused this request: %RESPONSE_CODE_DETAILS%\n%LOCAL_REPLY_BODY%"
    said = {"text_format_source": {"inline_string": text}}
    return {"filter": status_filter("LE", LAST_REFUSAL), "body_format_override": said}


def two_hosts() -> Json:
    """The route of a request with two Host headers, which Envoy joins: an app must not take that for a name.

    RFC 9112, 3.2: such a request is answered 400.
    """
    return {
        "match": {"prefix": "/", "headers": [{"name": ":authority", "string_match": {"contains": ","}}]},
        "name": "two_hosts",
        "direct_response": {"status": BAD_REQUEST, "body": {"inline_string": "it has two Host headers\n"}},
    }


def ignored_upgrades() -> list[Json]:
    """Every protocol but websocket. A server may ignore an upgrade (RFC 9110, 7.8): the request goes on as it is.

    Clients offer ``TLS/1.2`` or ``h2c`` unasked; who wants a websocket has no use for a plain answer.
    """
    return [{"safe_regex": {"regex": f"(?i){anything_but(WEBSOCKET)}"}}]


def anything_but(word: str) -> str:
    """A regular expression (RE2 has no negation) that matches every text but that word."""
    rest = ".+"
    for letter in reversed(word):
        rest = f"(?:[^{letter}].*|{letter}{rest})?"
    return rest
