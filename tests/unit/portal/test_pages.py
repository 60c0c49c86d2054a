"""The pages: what they show, that nothing on them runs that somebody wrote into a spec, and what they are served with."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import replace
from urllib.parse import unquote

import httpx2
import pytest
from fakes.shown import NOW, FixedAnswers, a_deployment, a_status, an_allocation, an_allocation_seen
from fastapi import FastAPI

from outrider.operations.event_details import Accepted, Detail, Warned
from outrider.operations.events import Event, event_of, happened, kinds
from outrider.operations.records import VersionSummary
from outrider.portal.pages import STATIC, pages
from outrider.spec.platform import Prometheus
from outrider.spec.upstream import Upstream

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def answers() -> FixedAnswers:
    return FixedAnswers()


@pytest.fixture
async def browser(answers: FixedAnswers) -> AsyncGenerator[httpx2.AsyncClient]:
    app = FastAPI()
    app.include_router(pages(lambda: answers))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://portal") as client:
        yield client


def words(page: httpx2.Response) -> str:
    """The page's text without its tags."""
    body = re.sub(r"<head>.*?</head>", "", page.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body))


def an_event(number: int, message: str, detail: Detail) -> Event:
    return happened(number, NOW, message, detail)


ACCEPTED = Accepted("run", "kim", version=7, hash="a1b2c3")


async def test_the_first_page_lists_services_by_environment_with_their_state(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    answers.add(
        a_status("checkout"), a_status("payments", environment="production", state="degraded", healthy=1, count=2)
    )
    text = words(await browser.get("/"))
    assert re.search(r"stage .*checkout ● running .*3/3 .*production .*payments ▲ degraded .*1/2", text)


async def test_an_environment_without_services_says_what_to_do_first(browser: httpx2.AsyncClient) -> None:
    assert "outrider run outrider.yaml -e stage" in words(await browser.get("/environments/stage"))


async def test_what_all_services_lack_is_said_once_above_them_and_what_one_lacks_beside_it(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    away = "as of 40 s ago: Nomad at http://n cannot be reached"
    answers.add(a_status("checkout", problem=away), a_status("payments", problem=away))
    assert words(await browser.get("/")).count(away) == 1
    answers.add(a_status("payments", problem="another"))
    text = words(await browser.get("/"))
    assert (text.count(away), text.count("another")) == (1, 1)


async def test_a_server_that_does_not_answer_is_a_note_beside_its_service(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    answers.add(a_status("ghost", state="unknown", count=None, problem="Nomad did not answer"))
    text = words(await browser.get("/"))
    assert "Nomad did not answer" in text
    assert "0/?" in text.replace("3/?", "0/?")


async def test_a_services_page_shows_allocations_upstreams_versions_and_deployments(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    answers.add(a_status("checkout", allocations=(an_allocation(1), an_allocation(2, healthy=False, canary=True))))
    answers.told["d1"] = (a_deployment("checkout", id="d1", state="failed", reason="app failed: exit code 1"), ())
    made = VersionSummary("stage", "checkout", 6, "a1b2c3", "http", "outrider.yaml", "kim", NOW)
    answers.stored = (made,)
    text = words(await browser.get("/environments/stage/services/checkout"))
    assert "payments timeout 800ms, retries 2" in text
    assert "00000002 canary" in text
    assert "app failed: exit code 1" in text
    assert "outrider rollback checkout 6 -e stage" in text
    assert "10.0.0.5:20100 ● passing" in text


async def test_a_deployments_page_tells_its_events_and_follows_them_until_the_verdict(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    events = (an_event(1, "deploy version 7", ACCEPTED), an_event(2, "it is healthy", an_allocation_seen(healthy=True)))
    answers.told["d1"] = (a_deployment("checkout", id="d1", state="running"), events)
    page = await browser.get("/deployments/d1")
    assert "accepted deploy version 7" in words(page)
    assert 'data-events="/api/v1/deployments/d1/events"' in page.text
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page.text
    answers.told["d1"] = (a_deployment("checkout", id="d1"), events)
    page = await browser.get("/deployments/d1")
    assert "data-events" not in page.text
    assert "http-equiv" not in page.text


async def test_a_waiting_canary_shows_the_two_commands(browser: httpx2.AsyncClient, answers: FixedAnswers) -> None:
    answers.told["d1"] = (a_deployment("checkout", id="d1", state="waiting"), ())
    text = words(await browser.get("/deployments/d1"))
    assert "outrider promote checkout -e stage outrider fail checkout -e stage" in text


@pytest.mark.parametrize("path", ["/environments/moon", "/environments/stage/services/none", "/deployments/none"])
async def test_what_does_not_exist_is_a_page_with_the_way_back(browser: httpx2.AsyncClient, path: str) -> None:
    page = await browser.get(path)
    assert page.status_code == 404
    assert "All services" in words(page)


async def test_a_server_outside_that_is_away_is_a_page_with_the_reason(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    answers.is_down = True
    page = await browser.get("/")
    assert page.status_code == 502
    assert "Nomad at http://nomad did not answer" in words(page)


async def test_text_of_a_spec_is_never_markup(browser: httpx2.AsyncClient, answers: FixedAnswers) -> None:
    hostile = a_status(
        "checkout",
        team=HOSTILE,
        description=HOSTILE,
        hash=HOSTILE,
        upstreams={HOSTILE: Upstream.model_construct(address=HOSTILE)},
        links={HOSTILE: f"https://x/{HOSTILE}", 'a"onclick="x': 'https://x/"onclick="alert(1)'},
        problem=HOSTILE,
    )
    answers.add(hostile)
    told = a_deployment("checkout", id="d1", reason=HOSTILE, created_by=HOSTILE)
    answers.told["d1"] = (told, (an_event(1, HOSTILE, Warned()),))
    for path in ("/", "/environments/stage/services/checkout", "/deployments/d1"):
        page = await browser.get(path)
        assert page.status_code == 200
        assert HOSTILE not in page.text
        assert "&lt;script&gt;" in page.text
        assert not re.search(r"<[^>]*\sonclick=", page.text)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "//evil",
        "/x",
        "https://",
        "http://[",
        "https://a\nb",
    ],
)
async def test_only_http_addresses_become_links(browser: httpx2.AsyncClient, answers: FixedAnswers, url: str) -> None:
    answers.add(a_status("checkout", links={"evil": url}, upstreams={}))
    page = await browser.get("/environments/stage/services/checkout")
    assert not re.search(r"<a[^>]*>evil</a>", page.text)


async def test_the_platforms_links_are_filled_in_and_quoted(browser: httpx2.AsyncClient, answers: FixedAnswers) -> None:
    template = "https://grafana.example/d/{dashboard}?var-service={service}&env={environment}"
    answers.platform = answers.platform.model_copy(update={"links": {"grafana": template}})
    answers.add(a_status("checkout", links={}))
    page = await browser.get("/environments/stage/services/checkout")
    expected = "https://grafana.example/d/outrider-service?var-service=checkout&amp;env=stage"
    assert f'<a href="{expected}" rel="noopener noreferrer">grafana</a>' in page.text


@pytest.mark.parametrize(
    "path", ["/", "/environments/moon", "/static/outrider.css", "/static/live.js", "/static/mark.svg"]
)
async def test_every_answer_forbids_what_the_pages_do_not_need(browser: httpx2.AsyncClient, path: str) -> None:
    headers = (await browser.get(path)).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"


async def test_pages_hold_no_inline_script_or_style(browser: httpx2.AsyncClient, answers: FixedAnswers) -> None:
    answers.add(a_status("checkout"))
    answers.told["d1"] = (a_deployment("checkout", id="d1", state="running"), (an_event(1, "go", ACCEPTED),))
    for path in ("/", "/environments/stage/services/checkout", "/deployments/d1"):
        text = (await browser.get(path)).text
        assert not re.search(r"\sstyle=|<style|\son\w+=", text)
        assert re.findall(r"<script[^>]*>", text) == ['<script src="/static/live.js" defer>']


async def test_static_files_are_those_of_the_folder_and_no_others(browser: httpx2.AsyncClient) -> None:
    for file in STATIC.iterdir():
        assert (await browser.get(f"/static/{file.name}")).content == file.read_bytes()
    for name in ("pages.py", "..%2Fpages.py", "%2e%2e%2fpages.py"):
        assert (await browser.get(f"/static/{name}")).status_code == 404


async def test_a_service_that_this_portal_never_deployed_has_a_page_too(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    answers.add(replace(a_status("foreign"), version=None, hash=None, deployment=None))
    text = words(await browser.get("/environments/stage/services/foreign"))
    assert "No stored version." in text


async def test_all_placeholders_of_links_are_filled_in(browser: httpx2.AsyncClient, answers: FixedAnswers) -> None:
    words_of = "{service}/{environment}/{dashboard}/{namespace}/{region}/{datacenter}"
    templates = {"all": f"https://a.example/{words_of}", "zipkin": "https://z.example/traces/{trace}"}
    templates |= {"nomad": "https://n.example/ui/allocations/{allocation}@{namespace}"}
    answers.platform = answers.platform.model_copy(update={"links": templates})
    answers.add(a_status("checkout", links={}, allocations=(an_allocation(1), an_allocation(2))))
    page = await browser.get("/environments/stage/services/checkout?trace=80f198ee56343ba8")
    expected = ["https://a.example/checkout/stage/outrider-service/default/global/dc-of-consul"]
    expected += ["https://z.example/traces/80f198ee56343ba8"]
    expected += [f"https://n.example/ui/allocations/{one.id}@default" for one in (an_allocation(1), an_allocation(2))]
    assert [one for one in expected if f'href="{one}"' not in page.text] == []
    assert "{" not in words(page)


async def test_a_link_that_lacks_a_value_is_text_with_the_place_of_what_lacks(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    templates = {"zipkin": "https://z.example/{trace}", "consul": "https://c.example/{datacenter}"}
    answers.platform = answers.platform.model_copy(update={"links": templates})
    answers.consul_datacenter = None
    answers.add(a_status("checkout", links={}))
    page = await browser.get("/environments/stage/services/checkout")
    assert "zipkin: https://z.example/{trace}" in words(page)
    assert "consul: https://c.example/{datacenter}" in words(page)
    assert "https://z.example" not in "".join(re.findall(r'href="([^"]*)"', page.text))


async def test_a_trace_that_is_no_id_stays_a_part_of_the_address(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    answers.platform = answers.platform.model_copy(update={"links": {"zipkin": "https://z.example/{trace}"}})
    answers.add(a_status("checkout", links={}))
    page = await browser.get("/environments/stage/services/checkout", params={"trace": '../"><script>'})
    assert 'href="https://z.example/..%2F%22%3E%3Cscript%3E"' in page.text


async def test_the_page_of_a_service_leads_to_the_prometheus_of_its_environment(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    answers.add(a_status("checkout", links={}))
    assert "Prometheus" not in words(await browser.get("/environments/stage/services/checkout"))
    scraped = Prometheus(address="http://prometheus.example:9090/")
    stage = answers.platform.environments["stage"].model_copy(update={"prometheus": scraped})
    answers.platform = answers.platform.model_copy(update={"environments": {"stage": stage}})
    page = await browser.get("/environments/stage/services/checkout")
    (address,) = re.findall(r'href="([^"]*prometheus\.example[^"]*)"', page.text)
    assert address.startswith("http://prometheus.example:9090/graph?")
    assert 'outrider_service="checkout",outrider_environment="stage"' in unquote(address)


async def test_the_page_of_a_deployment_listens_to_every_kind_that_there_is(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    events = (an_event(1, "go", ACCEPTED), an_event(2, "look out", Warned()))
    answers.told["d1"] = (a_deployment("checkout", id="d1", state="running"), events)
    page = (await browser.get("/deployments/d1")).text
    assert f'data-kinds="{" ".join(kinds())}"' in page
    script = (await browser.get("/static/live.js")).text
    assert [one for one in kinds() if f'"{one}"' in script] == ["verdict"]
    assert 'class="event accepted calm"' in page
    assert '<li class="event warning warn">' in page
    assert '<span class="shape" aria-hidden="true">!</span> warning' in page


async def test_an_event_of_a_kind_of_tomorrow_is_a_line_of_its_page(
    browser: httpx2.AsyncClient, answers: FixedAnswers
) -> None:
    event = event_of({"number": 1, "at": NOW, "kind": "shiny", "message": "it shines", "detail": {}})
    answers.told["d1"] = (a_deployment("checkout", id="d1"), (event,))
    assert "shiny it shines" in words(await browser.get("/deployments/d1"))
