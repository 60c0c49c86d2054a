"""Quantiles of cumulative histogram buckets, as PromQL's histogram_quantile computes them."""

from __future__ import annotations

import math
from collections.abc import Mapping


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """The value below which ``share`` of the observations lie; None where there are none.

    ``buckets`` maps upper bounds (inf included) to cumulative counts. Inside a bucket the observations are taken as
    evenly spread; what lies in the last, unbounded one is reported as the highest finite bound
    (https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile).
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if total <= 0:
        return None
    rank = share * total
    index = next(place for place, bound in enumerate(bounds) if buckets[bound] >= rank)
    return _inside(rank, bounds, index, buckets)


def _inside(rank: float, bounds: list[float], index: int, buckets: Mapping[float, float]) -> float:
    upper, lower = bounds[index], bounds[index - 1] if index else 0.0
    if math.isinf(upper):
        return lower
    below = buckets[bounds[index - 1]] if index else 0.0
    inside = buckets[upper] - below
    return lower + (upper - lower) * ((rank - below) / inside if inside else 1.0)
