"""Jobs: started, watched and cancelled in the page."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.functional.api.page.site import Site
from tests.support.rest_server import rest_server

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

RUNNING = {
    "job_id": "staff-1",
    "status": "RUNNING",
    "collection_id": "staff",
    "started_at": "2026-01-02T03:04:05Z",
    "ended_at": None,
    "photos": None,
    "faces": None,
    "cause": None,
    "job_folder": None,
    "listed": None,
    "report": None,
    "run": None,
    "progress": {
        "photos": 250,
        "faces": 310,
        "failures": 2,
        "estimated_photos": 1000,
        "exact": True,
        "children": 4,
        "complete_children": 1,
        "busy_seconds": 25.0,
        "photos_per_second": 10.0,
        "seconds_left": 75.0,
        "child_states": {},
        "interruptions": None,
    },
}


def test_a_job_is_started_and_followed_to_its_end(tmp_path: Path, page: playwright.Page) -> None:
    with rest_server(tmp_path) as server:
        created = httpx.post(f"{server.address}/api/v1/collections", json={"collection_id": "all"})
        assert created.status_code == 201
        page.goto(f"{server.address}/#/add")
        page.get_by_label("Bucket").fill("photos")
        page.get_by_role("button", name="Start a job").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Activity")
        job = page.locator("#jobs > li")
        expect(job).to_contain_text(re.compile("succeeded|failed"), timeout=60_000)
        expect(job).to_contain_text("3 photos")
        expect(job).to_contain_text("all")


def test_a_running_job_shows_its_progress_and_can_be_cancelled(
    tmp_path: Path, page: playwright.Page
) -> None:
    with rest_server(tmp_path) as server:
        httpx.post(f"{server.address}/api/v1/collections", json={"collection_id": "all"})
        job = dict(RUNNING)
        listed = {"jobs": [job]}
        page.route("**/api/v1/jobs", lambda route: route.fulfill(json=listed))
        page.route("**/api/v1/jobs/staff-1", lambda route: route.fulfill(json=job))
        page.goto(f"{server.address}/#/activity")
        shown = page.locator("#jobs > li")
        expect(shown).to_contain_text("250 of 1,000 photos · 310 faces · 2 failed")
        expect(shown).to_contain_text("about 75 seconds left")
        assert shown.locator("progress").evaluate("bar => bar.value / bar.max") == 0.25
        page.get_by_role("button", name="Cancel …").click()
        page.route(
            "**/jobs/staff-1/cancel",
            lambda route: (job.update(status="CANCELLED"), route.fulfill(json=job)),
        )
        with page.expect_request("**/jobs/staff-1/cancel"):
            page.get_by_role("dialog").get_by_role("button", name="Cancel the job").click()
        expect(shown).to_contain_text("cancelled")
        expect(shown.locator("progress")).to_have_count(0)


@pytest.mark.long
def test_a_job_that_was_stopped_is_started_again_with_its_folder(
    site: Site, page: playwright.Page
) -> None:
    job, asked = {**RUNNING, "status": "INCOMPLETE"}, []

    def start(route: playwright.Route) -> None:
        asked.append(route.request.post_data_json)
        route.fulfill(status=202, json=job)

    page.route("**/api/v1/jobs", lambda route: route.fulfill(json={"jobs": [job]}))
    page.route("**/api/v1/jobs/staff-1", lambda route: route.fulfill(json=job))
    page.route("**/face-recognition/index", start)
    page.goto(f"{site.address}/#/activity")
    shown = page.locator("#jobs > li")
    expect(shown).to_contain_text("continues when its folder is started again under Add photos")
    page.goto(f"{site.address}/#/add")
    page.get_by_label("Bucket").fill("photos")
    page.get_by_label("Folder").fill("2026/")
    page.get_by_role("button", name="Start a job").click()
    expect(shown).to_contain_text("photos/2026/")
    job.update(status="RUNNING")
    page.get_by_role("button", name="Start again").click()
    expect(shown).to_contain_text("running")
    folder = {"collection_id": "staff", "bucket": "photos", "prefix": "2026/"}
    assert asked == [folder, folder]


def test_a_job_is_followed_again_after_the_server_was_gone(
    site: Site, page: playwright.Page
) -> None:
    job = dict(RUNNING)
    page.route("**/api/v1/jobs", lambda route: route.fulfill(json={"jobs": [job]}))
    page.route("**/api/v1/jobs/staff-1", lambda route: route.fulfill(json=job))
    page.goto(f"{site.address}/#/activity")
    expect(page.locator("#jobs > li")).to_contain_text("running")
    page.route("**/api/v1/jobs", lambda route: route.abort())
    expect(page.get_by_role("alert")).to_have_text("The server cannot be reached.")
    job.update(status="SUCCEEDED")
    page.unroute("**/api/v1/jobs")
    page.route("**/api/v1/jobs", lambda route: route.fulfill(json={"jobs": [job]}))
    expect(page.locator("#jobs > li")).to_contain_text("succeeded")
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.long
def test_a_job_is_started_again_only_once_though_the_jobs_are_listed_meanwhile(
    site: Site, page: playwright.Page
) -> None:
    stopped, running = {**RUNNING, "status": "INCOMPLETE"}, {**RUNNING, "job_id": "staff-2"}
    held: list[playwright.Route] = []
    page.route("**/api/v1/jobs", lambda route: route.fulfill(json={"jobs": [stopped, running]}))
    page.route("**/api/v1/jobs/staff-*", lambda route: route.fulfill(json=running))
    page.route("**/face-recognition/index", lambda route: held.append(route))
    page.goto(site.address)
    folder = [["staff-1", {"collection_id": "staff", "bucket": "photos", "prefix": ""}]]
    page.evaluate("all => localStorage.setItem('job-folders', JSON.stringify(all))", folder)
    page.goto(f"{site.address}/#/activity")
    start = page.get_by_role("button", name="Start again")
    before = start.element_handle()
    with page.expect_request("**/face-recognition/index"):
        start.click()
    page.wait_for_function("button => !button.isConnected", arg=before)
    expect(start).to_be_disabled()
    for route in held:
        route.fulfill(status=202, json=stopped)
    expect(page.locator("#status")).to_contain_text("The job is started again")
    expect(start).to_be_enabled()
