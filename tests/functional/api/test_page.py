"""The page in a real browser, used by mouse-free hands."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.api.auth.local import TokenGuard
from facerec.testing.engine import fake_face, fake_photo
from tests.support.api import Api, Switchboard

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[playwright.Browser]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(api: Api, browser: playwright.Browser) -> Iterator[playwright.Page]:
    gallery = api.collaborators.gallery()
    gallery.create_collection("staff")
    for person in ("ann", "bob"):
        (api.bucket / f"{person}.jpg").write_bytes(fake_photo(fake_face(person)))
        gallery.index("staff", f"s3://photos/{person}.jpg", external_image_id=person)
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(api.address)
    yield page
    page.close()
    assert errors == []


def drop(page: playwright.Page, path: Path, *faces: object) -> None:
    path.write_bytes(fake_photo(*faces))
    page.locator("#file").set_input_files(path)


def test_a_photo_shows_boxes_matches_and_decisions(page: playwright.Page, tmp_path: Path) -> None:
    drop(
        page,
        tmp_path / "probe.jpg",
        fake_face("ann", width=0.4, away=0.1),
        fake_face("stranger", left=0.6),
    )
    playwright.expect(page.locator("#status")).to_have_text("2 faces, 1 known.")
    playwright.expect(page.locator("#boxes rect")).to_have_count(2)
    faces = page.locator("#people > li")
    playwright.expect(faces.nth(0)).to_contain_text("Face 1: match")
    playwright.expect(faces.nth(0)).to_contain_text("ann")
    playwright.expect(faces.nth(0)).to_contain_text("distance 0.100")
    playwright.expect(faces.nth(1)).to_contain_text("Face 2: unknown")
    box = page.locator("#boxes rect").first
    assert float(box.get_attribute("width") or 0) == pytest.approx(0.4)


def test_a_file_that_is_not_a_photo_is_reported_as_such(
    page: playwright.Page, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    page.locator("#file").set_input_files(tmp_path / "notes.txt")
    playwright.expect(page.locator("#status")).to_contain_text("cannot be read")


def test_the_faces_of_a_photo_can_be_added_under_a_name(
    page: playwright.Page, tmp_path: Path
) -> None:
    drop(page, tmp_path / "new.jpg", fake_face("cyd"))
    playwright.expect(page.locator("#status")).to_have_text("1 face, 0 known.")
    page.get_by_label("Your name for this photo").fill("cyd:1")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#faces")).to_contain_text("cyd:1")
    playwright.expect(page.locator("#count")).to_have_text("3")


def test_a_face_is_deleted_with_the_keyboard_alone(api: Api, page: playwright.Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    button = page.get_by_role("button", name="Delete the face of ann")
    playwright.expect(button).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#status")).to_have_text("The face is deleted.")
    playwright.expect(page.locator("#faces > li")).to_have_count(1)
    assert [face.external_image_id for face in api.collaborators.faces.list_faces("staff")] == [
        "bob"
    ]
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "Delete the face of bob"


def test_a_collection_is_created_and_selected(page: playwright.Page) -> None:
    page.on("dialog", lambda dialog: dialog.accept("visitors"))
    page.get_by_role("button", name="New …").click()
    playwright.expect(page.locator("#status")).to_have_text("Collection visitors is made.")
    playwright.expect(page.get_by_label("Collection", exact=True)).to_have_value("visitors")
    playwright.expect(page.locator("#count")).to_have_text("0")


def test_names_are_shown_as_text_and_never_run(
    api: Api, browser: playwright.Browser, switchboard: tuple[Switchboard, str]
) -> None:
    gallery = api.collaborators.gallery()
    gallery.create_collection("staff")
    name = "<img src=x onerror=alert(1)>.jpg"
    (api.bucket / name).write_bytes(fake_photo(fake_face("ann")))
    gallery.index("staff", f"s3://photos/{name}")
    page = browser.new_page()
    page.goto(api.address)
    playwright.expect(page.locator("#faces")).to_contain_text(name)
    playwright.expect(page.locator("#faces li div img")).to_have_count(0)
    page.close()


def test_a_server_with_a_token_asks_for_it(
    api: Api, browser: playwright.Browser, switchboard: tuple[Switchboard, str]
) -> None:
    gallery = api.collaborators.gallery()
    gallery.create_collection("staff")
    board, address = switchboard
    board.app = create_app(gallery, AppSettings(TokenGuard("the token", OpenGuard())))
    page = browser.new_page()
    page.goto(address)
    page.get_by_label("This server needs its token").fill("the token")
    page.keyboard.press("Enter")
    playwright.expect(page.get_by_label("Collection", exact=True)).to_have_value("staff")
    playwright.expect(page.locator("#login")).to_be_hidden()
    page.close()


def test_the_documentation_is_interactive_without_a_network(
    api: Api, browser: playwright.Browser
) -> None:
    page = browser.new_page()
    elsewhere: list[str] = []
    page.on(
        "request",
        lambda request: (
            request.url.startswith(("http://127.0.0.1", "data:")) or elsewhere.append(request.url)
        ),
    )
    page.goto(f"{api.address}/docs")
    playwright.expect(page.locator(".opblock").first).to_be_visible()
    assert elsewhere == []
    page.close()


def test_options_apply_to_the_search_at_hand(
    api: Api, page: playwright.Page, tmp_path: Path
) -> None:
    for shot in range(3):
        photo = fake_photo(fake_face("ann", shot=shot, away=0.1))
        api.collaborators.gallery().index("staff", photo, external_image_id=f"ann:{shot}")
    drop(page, tmp_path / "probe.jpg", fake_face("ann", away=0.1, shot=9))
    more = page.get_by_text("More faces match than are shown.")
    playwright.expect(page.locator("#people .person")).to_have_count(4)
    playwright.expect(more).to_have_count(0)
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Matches per face").fill("2")
    page.get_by_label("Matches per face").blur()
    playwright.expect(page.locator("#people .person")).to_have_count(2)
    playwright.expect(more).to_be_visible()
    with page.expect_request("**/match") as sent:
        page.get_by_label("Quality filter").select_option("HIGH")
    assert sent.value.post_data_json["quality_filter"] == "HIGH"
    page.get_by_label("Smallest face in pixels").fill("40")
    with page.expect_request("**/match") as sent:
        page.get_by_label("Smallest face in pixels").blur()
    assert sent.value.post_data_json["smallest_face"] == 40
