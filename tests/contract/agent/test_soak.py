"""A26 for a minute; ``make soak`` takes ten."""

from __future__ import annotations

from pathlib import Path

import pytest
from soak import SPARE_DESCRIPTORS, STEEPEST, soaked

SECONDS = 60.0


@pytest.mark.timeout(240)
def test_a26_churn_and_faults_leak_nothing_and_the_truth_comes_out(directory: Path, envoy_bin: str) -> None:
    found = soaked(SECONDS, directory, envoy_bin)
    assert found.differences == []
    assert found.faults > 10
    assert found.descriptors_gained <= SPARE_DESCRIPTORS
    assert found.slope <= STEEPEST
