"""Adding many photos, and the faces of the collection."""

from __future__ import annotations

import re

import pytest

from facerec.testing.engine import fake_face
from tests.functional.api.page.site import Site
from tests.support.painted_photos import painted_photo

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect


@pytest.mark.long
def test_many_photos_are_added_a_few_at_a_time(site: Site, page: playwright.Page) -> None:
    running = highest = 0

    def began(request: playwright.Request) -> None:
        nonlocal running, highest
        if request.url.endswith("/index"):
            running += 1
            highest = max(highest, running)

    def ended(request: playwright.Request) -> None:
        nonlocal running
        if request.url.endswith("/index"):
            running -= 1

    page.on("request", began)
    page.on("requestfinished", ended)
    page.goto(f"{site.address}/#/add")
    photos = [site.upload(fake_face(f"p{n}"), name=f"{n}.png") for n in range(12)]
    page.locator("#add-files").set_input_files(photos)
    expect(page.locator("#upload-summary")).to_have_text(
        "12 of 12 photos added to staff, 12 faces."
    )
    expect(page.locator("#upload-failed")).to_be_hidden()
    assert page.locator("#upload-progress").evaluate("bar => bar.value / bar.max") == 1
    assert 1 <= highest <= 3
    assert site.gallery.describe_collection("staff").face_count == 12
    # the server keeps no uploaded photo, but the tab shows the faces that it has just added
    page.get_by_role("link", name="Name the people in them").click()
    page.get_by_role("link", name="Faces", exact=True).click()
    expect(page.locator("#face-list img").first).to_have_attribute("src", re.compile("^blob:"))
    expect(page.locator("#face-list")).to_contain_text("11.png")


@pytest.mark.long
def test_the_names_of_files_are_stored_if_the_user_wants_it(
    site: Site, page: playwright.Page
) -> None:
    page.goto(f"{site.address}/#/add")
    expect(page.get_by_label("Collection", exact=True)).to_have_value("staff")
    drop_folders(page, {"day 1/张伟\u202e.png": "ann", "day 2/张伟.png": "bob"})
    expect(page.locator("#upload-summary")).to_contain_text("2 of 2 photos added")
    page.get_by_label("Store the names of the files too").uncheck()
    page.locator("#add-files").set_input_files([site.upload(fake_face("zoe"), name="zoe.png")])
    expect(page.locator("#upload-summary")).to_contain_text("1 of 1 photo added")
    sources = {face.record.source for face in site.gallery.list_faces("staff").faces}
    assert sources == {"upload://day 1/张伟.png", "upload://day 2/张伟.png", ""}
    page.goto(f"{site.address}/#/faces")
    page.reload()  # what follows is what the server knows
    expect(page.locator("#face-list > li")).to_have_count(3)
    for name in ("day 1/张伟.png", "day 2/张伟.png"):
        expect(page.locator("#face-list").get_by_text(name)).to_have_count(1)
    expect(page.get_by_text("--keep-thumbnails")).to_be_visible()
    page.get_by_role("link", name="People", exact=True).click()
    expect(page.get_by_text("--keep-thumbnails")).to_be_hidden()


def drop_folders(page: playwright.Page, files: dict[str, str]) -> None:
    """Drop a folder with photos, by path and the person whom each shows."""
    page.evaluate(
        """async files => {
            const entry = ([path, bytes]) => ({
                isFile: true, name: path.split('/').pop(), fullPath: `/${path}`,
                file: found => found(new File(
                    [new Uint8Array(bytes)], path.split('/').pop(), {type: 'image/png'})),
            });
            const entries = Object.entries(files).map(entry);
            const folder = {isDirectory: true, name: 'photos', createReader: () => ({
                readEntries: found => found(entries.splice(0))})};
            const event = new DragEvent('drop', {bubbles: true, cancelable: true});
            Object.defineProperty(event, 'dataTransfer', {
                value: {items: [{webkitGetAsEntry: () => folder}], files: []}});
            document.body.dispatchEvent(event);
        }""",
        {path: list(painted_photo(fake_face(name))) for path, name in files.items()},
    )


@pytest.mark.long
def test_the_way_from_added_photos_leads_to_the_unknown_people_in_them(
    site: Site, page: playwright.Page
) -> None:
    page.goto(f"{site.address}/#/add")
    shots = [fake_face("ann", shot=shot, away=0.1) for shot in range(3)]
    page.locator("#add-files").set_input_files(
        [site.upload(each, name=f"{n}.png") for n, each in enumerate(shots)]
    )
    page.get_by_role("link", name="Name the people in them").click()
    expect(page.locator("#clusters > li")).to_have_count(1)
    expect(page.locator("#status")).to_contain_text("1 new cluster")


def test_photos_that_fail_are_listed_and_can_be_tried_again(
    site: Site, page: playwright.Page
) -> None:
    broken = {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no photo"}
    page.goto(f"{site.address}/#/add")
    page.locator("#add-files").set_input_files([site.upload(fake_face("ann")), broken])
    expect(page.locator("#upload-summary")).to_have_text(
        "1 of 2 photos added to staff, 1 face, 1 failed."
    )
    page.locator("#add-files").set_input_files([{**broken, "buffer": b""}])
    expect(page.locator("#upload-errors")).to_contain_text("The file is empty.")
    page.locator("#add-files").set_input_files([site.upload(fake_face("ann")), broken])
    failed = page.locator("#upload-errors > li")
    expect(failed).to_contain_text("notes.txt")
    expect(failed).to_contain_text("cannot be read")
    with page.expect_request("**/index"):
        page.get_by_role("button", name="Try again: notes.txt").click()
    expect(failed).to_have_count(1)
    with page.expect_request("**/index"):
        page.get_by_role("button", name="Try all again").click()
    expect(page.locator("#upload-summary")).to_contain_text("1 failed.")
    expect(failed).to_have_count(1)


def test_photos_without_a_face_are_named_and_not_counted_as_added(
    site: Site, page: playwright.Page
) -> None:
    page.goto(f"{site.address}/#/add")
    ann = site.upload(fake_face("ann"), name="ann.png")
    page.locator("#add-files").set_input_files([ann])
    expect(page.locator("#upload-summary")).to_have_text("1 of 1 photo added to staff, 1 face.")
    page.locator("#add-files").set_input_files([ann, site.upload(name="rocket.png")])
    expect(page.locator("#upload-summary")).to_have_text(
        "0 of 2 photos added to staff, 0 faces, 1 already in the collection, 1 without a face."
    )
    expect(page.locator("#upload-errors > li")).to_have_count(1)
    expect(page.locator("#upload-errors > li")).to_contain_text("rocket.png")
    expect(page.locator("#upload-errors > li")).to_contain_text("No face was found in it.")
    expect(page.get_by_role("button", name="Try")).to_have_count(0)


@pytest.mark.long
def test_a_photo_that_a_job_has_indexed_is_not_added_again(
    site: Site, page: playwright.Page
) -> None:
    photo = site.upload(fake_face("ann"), fake_face("bob", left=0.6))
    site.gallery.index("staff", photo["buffer"], external_image_id="fest:1.png")
    page.goto(f"{site.address}/#/add")
    page.locator("#add-files").set_input_files([photo, site.upload(fake_face("zoe"), name="z.png")])
    expect(page.locator("#upload-summary")).to_have_text(
        "1 of 2 photos added to staff, 1 face, 1 already in the collection."
    )
    page.goto(f"{site.address}/#/match")
    page.locator("#file").set_input_files([photo])
    page.get_by_role("button", name="Add its faces").click()
    expect(page.locator("#status")).to_contain_text("2 faces are already in the collection")
    assert site.gallery.describe_collection("staff").face_count == 3


def test_photos_wait_for_the_list_of_collections(site: Site, page: playwright.Page) -> None:
    held: list[playwright.Route] = []
    page.route("**/api/v1/collections?*", lambda route: held.append(route))
    with page.expect_request("**/api/v1/collections?*"):
        page.goto(f"{site.address}/#/add")
    page.locator("#add-files").set_input_files([site.upload(fake_face("ann"))])
    for route in held:
        route.continue_()
    expect(page.locator("#upload-summary")).to_have_text("1 of 1 photo added to staff, 1 face.")


@pytest.mark.long
def test_photos_go_to_the_collection_that_was_chosen_when_they_were_added(
    site: Site, page: playwright.Page
) -> None:
    site.gallery.create_collection("visitors")
    held: list[playwright.Route] = []
    page.route("**/face-recognition/index", lambda route: held.append(route))
    page.goto(f"{site.address}/#/add")
    with page.expect_request("**/face-recognition/index"):
        page.locator("#add-files").set_input_files([site.upload(fake_face("ann"))])
    page.get_by_label("Collection", exact=True).select_option("visitors")
    with page.expect_request("**/face-recognition/index"):
        page.locator("#add-files").set_input_files([site.upload(fake_face("bob"))])
    for route in held:
        route.continue_()
    expect(page.locator("#upload-summary")).to_have_text(
        "2 of 2 photos added to staff and visitors, 2 faces."
    )
    for collection in ("staff", "visitors"):
        assert site.gallery.describe_collection(collection).face_count == 1


def test_an_upload_that_is_stopped_can_be_continued(site: Site, page: playwright.Page) -> None:
    held: list[playwright.Route] = []
    page.route("**/face-recognition/index", lambda route: held.append(route))
    page.goto(f"{site.address}/#/add")
    photos = [site.upload(fake_face(f"p{n}"), name=f"{n}.png") for n in range(5)]
    page.locator("#add-files").set_input_files(photos)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#upload-errors > li")).to_have_count(5)
    page.unroute("**/face-recognition/index")
    page.get_by_role("button", name="Try all again").click()
    expect(page.locator("#upload-summary")).to_have_text("5 of 5 photos added to staff, 5 faces.")


@pytest.mark.long
def test_a_busy_server_is_asked_again(site: Site, page: playwright.Page) -> None:
    asked = 0

    def refuse_once(route: playwright.Route) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            route.fulfill(status=503, headers={"Retry-After": "0.1"}, json={"detail": "busy"})
        else:
            route.continue_()

    page.route("**/face-recognition/index", refuse_once)
    page.goto(f"{site.address}/#/add")
    page.locator("#add-files").set_input_files([site.upload(fake_face("ann"))])
    expect(page.locator("#upload-summary")).to_have_text("1 of 1 photo added to staff, 1 face.")
    assert asked == 2


def test_a_folder_can_be_dropped_anywhere_on_the_view(site: Site, page: playwright.Page) -> None:
    page.goto(f"{site.address}/#/add")
    expect(page.get_by_label("Collection", exact=True)).to_have_value("staff")
    page.evaluate(
        """async photos => {
            const transfer = new DataTransfer();
            for (const [name, bytes] of Object.entries(photos))
                transfer.items.add(new File([new Uint8Array(bytes)], name, {type: 'image/png'}));
            document.body.dispatchEvent(new DragEvent(
                'drop', {dataTransfer: transfer, bubbles: true, cancelable: true}));
        }""",
        {
            "a.png": list(site.upload(fake_face("ann"))["buffer"]),  # type: ignore[call-overload]
            "b.png": list(site.upload(fake_face("bob"))["buffer"]),  # type: ignore[call-overload]
        },
    )
    expect(page.locator("#upload-summary")).to_contain_text("2 of 2 photos added")


def test_faces_show_their_thumbnail_or_a_placeholder(site: Site, page: playwright.Page) -> None:
    site.index("kept.png", fake_face("ann"))
    site.index("gone.png", fake_face("bob"))
    (site.bucket / "gone.png").unlink()
    page.goto(f"{site.address}/#/faces")
    expect(page.locator("#face-list img")).to_have_count(2)
    expect(page.locator("#face-list img[src^=blob]")).to_have_count(1)
    expect(page.locator("#face-list img.missing")).to_have_attribute("src", "page/face.svg")
    expect(page.get_by_alt_text("(no thumbnail)")).to_have_count(1)
    expect(page.locator("#face-list")).to_contain_text("kept.png")


def test_uploaded_faces_can_still_be_seen_tomorrow_if_the_operator_allows_it(
    keeping_site: Site, page: playwright.Page
) -> None:
    page.goto(f"{keeping_site.address}/#/add")
    photo = keeping_site.upload(fake_face("ann"), fake_face("bob", left=0.6))
    page.locator("#add-files").set_input_files([photo])
    expect(page.locator("#upload-summary")).to_contain_text("1 of 1 photo added")
    page.goto(f"{keeping_site.address}/#/faces")
    page.reload()
    expect(page.locator("#face-list img[src^=blob]")).to_have_count(2)
    expect(page.locator("#face-list img.missing")).to_have_count(0)


def test_a_face_is_deleted_with_the_keyboard_alone(site: Site, page: playwright.Page) -> None:
    site.add_person("ann")
    site.index("x.png", fake_face("x"))
    page.goto(f"{site.address}/#/faces")
    first = page.locator("#face-list > li").first.get_by_role("button", name="Delete")
    expect(first).to_be_visible()
    for _ in range(20):
        page.keyboard.press("Tab")
        if first.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("for good")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("The face is deleted.")
    expect(page.locator("#face-list > li")).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1")
    expect(page.locator("#face-list button").first).to_be_focused()
    assert site.gallery.describe_collection("staff").face_count == 1


@pytest.mark.long
def test_a_stored_face_is_named_and_moved_to_somebody_else(
    site: Site, page: playwright.Page
) -> None:
    site.add_person("ann")
    site.gallery.create_user("staff", name="Bob")
    page.goto(f"{site.address}/#/faces")
    page.get_by_role("button", name="Name: ann").click()
    page.get_by_label("Who is this?").fill("Bob")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("belongs to ann. Give to Bob instead?")
    page.get_by_role("button", name="Yes, move").click()
    expect(page.locator("#face-list")).to_contain_text("Bob")
    assert site.people() == {"ann": 0, "Bob": 1}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#status")).to_have_text("The change is undone.")
    assert site.people() == {"ann": 1, "Bob": 0}


@pytest.mark.long
def test_faces_come_in_pages(site: Site, page: playwright.Page) -> None:
    for number in range(5):
        faces = [
            fake_face(f"p{number}-{n}", left=0.09 * n, width=0.05, height=0.05) for n in range(10)
        ]
        site.index(f"{number}.png", *faces)
    page.goto(f"{site.address}/#/faces")
    expect(page.locator("#count")).to_have_text("50")
    expect(page.locator("#face-list > li")).to_have_count(48)
    page.get_by_role("button", name="Show more").click()
    expect(page.locator("#face-list > li")).to_have_count(50)
    expect(page.get_by_role("button", name="Show more")).to_be_hidden()
