"""Who can use the page: keyboard, screen readers, contrast, narrow screens, and safety."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import httpx
import pytest

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.api.auth.local import TokenGuard
from facerec.testing.engine import fake_face
from tests.functional.api.page.site import Site
from tests.support.api import Switchboard
from tests.support.long import rarely_short

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

FILES = Path(__file__).resolve().parents[4] / "facerec" / "api" / "page"
VIEWS = ("match", "add", "unknown", "people", "faces", "activity")
HOSTILE = "<img src=x onerror=document.title='run'>"

CONTRASTS = (Path(__file__).parent / "contrasts.js").read_text("utf-8")
CONTROLS = "button, a, input, select, progress, summary, dialog"
UNNAMED = f"""() => [...document.querySelectorAll('{CONTROLS}')]
    .filter(e => e.offsetParent && !(e.labels && e.labels.length) && !e.textContent.trim()
        && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby'))
    .map(e => e.outerHTML)"""


def fill(site: Site) -> None:
    """Put something into every view."""
    site.add_person("Zoë Müller", shots=2)
    site.add_person("Bob")
    site.add_cluster("Zoë Müller")
    site.add_cluster("cyd")


def visit(page: playwright.Page, site: Site, view: str) -> None:
    page.goto(f"{site.address}/#/{view}")
    expect(page.locator(f"#{view}")).to_be_visible()
    if view == "match":
        page.locator("#file").set_input_files(
            site.upload(fake_face("Bob", away=0.1, width=0.4), fake_face("x", left=0.6))
        )
        page.get_by_role("button", name="Add its faces").click()
        expect(page.locator(".naming input").first).to_be_focused()
    if view == "add":
        broken = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no photo"}
        page.locator("#add-files").set_input_files([broken])
        expect(page.locator("#upload-errors > li")).to_have_count(1)
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("scheme", rarely_short(["light", "dark"], "light"))
def test_all_text_has_enough_contrast_and_every_control_a_name(
    site: Site, page: playwright.Page, scheme: str
) -> None:
    fill(site)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.goto(site.address)
    for view in VIEWS:
        visit(page, site, view)
        assert page.evaluate(CONTRASTS) == [], view
        assert page.evaluate(UNNAMED) == [], view
    page.get_by_role("button", name="Keyboard").click()
    assert page.evaluate(CONTRASTS) == []


def test_nothing_is_wider_than_a_phone_of_320_pixels(site: Site, page: playwright.Page) -> None:
    fill(site)
    site.add_person("W" * 200)
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(site.address)
    for view in VIEWS:
        visit(page, site, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, view
    page.goto(f"{site.address}/#/people")
    page.get_by_role("link", name=re.compile("^W")).click()
    expect(page.locator("#person-title")).to_contain_text("W" * 200)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.long
@pytest.mark.parametrize(
    "name", ["诸葛" * 60, "عبد الرحمن بن محمد " * 6, "Maximiliana" * 11], ids=["zh", "ar", "long"]
)
def test_a_long_name_leaves_room_on_a_phone(site: Site, page: playwright.Page, name: str) -> None:
    site.add_cluster("zoe")
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{site.address}/#/unknown")
    page.locator("#clusters input:not([type=checkbox])").fill(name)
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text(name.strip())
    expect(page.locator("#status")).to_have_attribute("title", re.compile(name.strip()))
    assert page.locator("#toast").evaluate("toast => toast.offsetHeight") < 640 / 4
    expect(page.get_by_role("button", name="Undo", exact=True)).to_be_in_viewport()
    page.goto(f"{site.address}/#/people")
    shown = page.locator("#people-list .name")
    expect(shown).to_have_attribute("title", name.strip())
    assert (
        shown.evaluate("name => name.offsetHeight / parseFloat(getComputedStyle(name).lineHeight)")
        < 2.1
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_tab_key_follows_the_order_in_which_the_page_is_read(
    site: Site, page: playwright.Page
) -> None:
    fill(site)
    page.goto(f"{site.address}/#/unknown")
    expect(page.locator("#clusters > li")).to_have_count(2)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    visited = []
    for _ in range(60):
        page.keyboard.press("Tab")
        place = page.evaluate(
            """() => {
                const every = [...document.querySelectorAll('a, button, input, select')];
                const active = document.activeElement;
                const outline = getComputedStyle(active).outlineStyle;
                return [every.indexOf(active), outline];
            }"""
        )
        if place[0] < 0:
            break
        visited.append(place)
    positions = [index for index, _ in visited]
    assert len(positions) > 20
    assert positions == sorted(positions)
    assert {outline for _, outline in visited} == {"solid"}


def test_the_page_has_landmarks_headings_and_live_regions(
    site: Site, page: playwright.Page
) -> None:
    page.goto(site.address)
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Views")).to_be_visible()
    for view in VIEWS:
        page.goto(f"{site.address}/#/{view}")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        expect(page.locator(".tabs a[aria-current=page]")).to_have_attribute("href", f"#/{view}")
        assert "facerec" in page.title()
    expect(page.locator("#status")).to_have_attribute("role", "status")
    expect(page.locator("#problem")).to_have_attribute("role", "alert")


@pytest.mark.long
def test_keys_change_the_view_and_can_be_switched_off(site: Site, page: playwright.Page) -> None:
    page.goto(site.address)
    expect(page.locator("#match")).to_be_visible()
    page.keyboard.press("4")
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("^People"))
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.get_by_label("Search by part of the name").press("1")
    expect(page.locator("#people")).to_be_visible()
    page.locator("#people-title").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Undo the last change")
    page.get_by_label("Use these keys outside of fields").uncheck()
    page.keyboard.press("Escape")
    page.locator("#people-title").focus()
    page.keyboard.press("1")
    expect(page.locator("#people")).to_be_visible()


def test_names_are_shown_as_text_and_never_run(site: Site, page: playwright.Page) -> None:
    site.add_person(HOSTILE, face="ann", shots=2)
    site.add_cluster("ann")
    site.index(f"{HOSTILE}.png", fake_face("cyd"))
    page.goto(site.address)
    broken = {"name": HOSTILE, "mimeType": "text/plain", "buffer": b"no photo"}
    for view in VIEWS:
        page.goto(f"{site.address}/#/{view}")
        if view == "match":
            page.locator("#file").set_input_files(site.upload(fake_face("ann", away=0.1, shot=9)))
        if view == "add":
            page.locator("#add-files").set_input_files([broken])
        expect(page.locator(f"#{view}")).to_contain_text(HOSTILE)
        expect(page.locator("img[src=x]")).to_have_count(0)
    page.goto(f"{site.address}/#/people")
    page.locator("#people-list a").click()
    expect(page.locator("#person-title")).to_have_text(HOSTILE)
    page.get_by_role("button", name="Delete …").click()
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert page.title().startswith(HOSTILE)


def test_no_module_makes_elements_of_text() -> None:
    modules = sorted(FILES.glob("*.js"))
    assert len(modules) > 10
    for module in modules:
        text = module.read_text("utf-8")
        for name in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert name not in text, (module.name, name)
        assert "http://" not in text
        assert "https://" not in text


def test_the_files_of_the_page_have_their_types_hashes_and_a_strict_policy(site: Site) -> None:
    types = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    paths = ["/", *(f"/page/{path.name}" for path in FILES.iterdir() if path.suffix in types)]
    assert len(paths) > 15
    for path in paths:
        answer = httpx.get(site.address + path)
        assert answer.status_code == 200, path
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind == types.get(Path(path).suffix, "text/html")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert "script-src 'self';" in answer.headers["Content-Security-Policy"]
        known = {"If-None-Match": answer.headers["ETag"]}
        assert httpx.get(site.address + path, headers=known).status_code == 304
    html = httpx.get(site.address).text
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", html)
    for path in ("/page/nothing.js", "/page/../pages.py", "/page/%2e%2e%2fpages.py"):
        assert httpx.get(site.address + path).status_code == 404


def test_only_the_server_itself_is_asked(site: Site, page: playwright.Page) -> None:
    fill(site)
    elsewhere: list[str] = []

    def check(request: playwright.Request) -> None:
        if not request.url.startswith((site.address, "blob:", "data:")):
            elsewhere.append(request.url)

    page.on("request", check)
    page.goto(site.address)
    for view in VIEWS:
        visit(page, site, view)
    page.goto(f"{site.address}/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    assert elsewhere == []


def test_the_first_collection_is_created_in_the_page(site: Site, page: playwright.Page) -> None:
    site.gallery.delete_collection("staff")
    page.goto(site.address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Create your first collection")
    page.get_by_role("button", name="New collection …").click()
    page.get_by_label("Name (letters, digits, _ . and -)").fill("visitors")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Collection visitors is created.")
    expect(page.get_by_label("Collection", exact=True)).to_have_value("visitors")
    expect(page.locator("#match")).to_be_visible()
    expect(page.locator("#match-title")).to_be_focused()


def test_messages_are_in_elements_that_readers_know_before(
    site: Site, page: playwright.Page
) -> None:
    page.goto(site.address)
    expect(page.locator("#match")).to_be_visible()
    styles = page.locator("#status, #problem, #toast").evaluate_all(
        "all => all.map(each => getComputedStyle(each).display)"
    )
    assert "none" not in styles
    assert not page.get_by_role("button", name="Close this message").is_visible()


@pytest.mark.long
def test_a_message_goes_after_a_while_unless_it_offers_an_undo(
    site: Site, page: playwright.Page
) -> None:
    page.clock.install()
    page.goto(f"{site.address}/#/unknown")
    page.get_by_role("button", name="Look for unknown people").click()
    expect(page.locator("#status")).to_have_text("0 new clusters; 0 faces joined existing ones.")
    page.clock.run_for(11_000)
    expect(page.locator("#status")).to_have_text("")
    page.goto(f"{site.address}/#/people")
    page.get_by_label("Name of a new person").fill("Ann")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Ann is created.")
    page.clock.run_for(60_000)
    expect(page.get_by_role("button", name="Undo")).to_be_visible()


@pytest.mark.long
def test_the_collection_in_use_is_remembered(site: Site, page: playwright.Page) -> None:
    site.gallery.create_collection("visitors")
    page.goto(site.address)
    chooser = page.get_by_label("Collection", exact=True)
    expect(chooser).to_have_value("staff")
    chooser.select_option("visitors")
    page.reload()
    expect(chooser).to_have_value("visitors")
    other = page.context.new_page()
    other.goto(site.address)
    expect(other.get_by_label("Collection", exact=True)).to_have_value("visitors")


def test_a_collection_that_no_address_can_name_is_not_offered(
    site: Site, page: playwright.Page
) -> None:
    named = [{"collection_id": name} for name in (".", "..", "staff")]
    listed = {"collections": named, "next_token": None}
    page.route("**/api/v1/collections?*", lambda route: route.fulfill(json=listed))
    page.goto(f"{site.address}/#/faces")
    expect(page.locator("#collection option")).to_have_text(["staff"])
    expect(page.locator("#faces-empty")).to_be_visible()


def test_a_server_with_a_token_asks_for_it(
    site: Site, page: playwright.Page, switchboard: tuple[Switchboard, str]
) -> None:
    board, address = switchboard
    board.app = create_app(site.gallery, AppSettings(TokenGuard("the token", OpenGuard())))
    page.goto(f"{address}/#/people")
    page.get_by_label("This server requires its token").fill("mot de passe “à moi”")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("A token cannot contain such characters.")
    page.get_by_label("This server requires its token").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("The server refuses this token.")
    page.get_by_label("This server requires its token").fill("the token")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Collection", exact=True)).to_have_value("staff")
    expect(page.locator("#login")).to_be_hidden()
    expect(page.locator("#people")).to_be_visible()


@pytest.mark.long
def test_a_server_that_is_gone_is_an_error_that_can_be_read(
    site: Site, page: playwright.Page
) -> None:
    page.goto(site.address)
    expect(page.locator("#match")).to_be_visible()
    page.route("**/api/**", lambda route: route.abort())
    page.get_by_role("link", name="People").click()
    expect(page.get_by_role("alert")).to_have_text("The server cannot be reached.")


def test_a_server_without_the_page_has_none_of_its_files(
    site: Site, switchboard: tuple[Switchboard, str]
) -> None:
    board, address = switchboard
    board.app = create_app(site.gallery, AppSettings(OpenGuard(), page=False))
    for path in ("/", "/page/main.js"):
        assert httpx.get(address + path).status_code in (404, 405)


def test_the_wheel_has_every_file_of_the_page() -> None:
    project = tomllib.loads((FILES.parents[2] / "pyproject.toml").read_text("utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["facerec"]
    assert all(
        any(path.relative_to(FILES.parents[1]).match(pattern) for pattern in patterns)
        for path in FILES.iterdir()
    )
