from __future__ import annotations

from outrider.demonstration.shop import shop, shop_folder


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
