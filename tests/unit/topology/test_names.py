"""Names that cross a border never meet each other."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from outrider.spec.values import DNS_LABEL
from outrider.topology import names

LABELS = st.from_regex(re.compile(DNS_LABEL), fullmatch=True)
OURS = {names.LOCAL_APP, names.DISCOVERY_AGENT, names.ENVOY_ADMIN, names.TRACE_COLLECTOR}


@given(LABELS)
def test_no_upstreams_cluster_bears_a_name_of_ours(upstream: str) -> None:
    assert names.cluster(upstream) not in OURS


@given(LABELS)
def test_a_port_label_is_one_that_nomad_takes(upstream: str) -> None:
    assert re.fullmatch(r"[a-zA-Z0-9_]+", names.egress_label(upstream))


@given(LABELS, LABELS)
def test_two_upstreams_have_two_labels_and_two_variables(one: str, other: str) -> None:
    for name in (names.egress_label, names.url_variable, names.address_variable, names.egress):
        assert (name(one) == name(other)) == (one == other)
