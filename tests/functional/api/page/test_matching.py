"""Who is in a photo: boxes, people, decisions, and the names of its faces."""

from __future__ import annotations

import re
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from facerec.core.options import QualityFilter
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.api.page.site import Site
from tests.support.painted_photos import painted_photo

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect


def match(page: playwright.Page, site: Site, *faces: object) -> None:
    page.goto(site.address)
    page.locator("#file").set_input_files(site.upload(*faces))
    expect(page.locator("#probe-faces > li").first).to_be_visible()


def test_each_face_has_a_numbered_box_a_crop_and_a_decision(
    site: Site, page: playwright.Page
) -> None:
    site.add_person("Zoë Müller")
    match(
        page, site, fake_face("Zoë Müller", width=0.4, away=0.1, shot=7), fake_face("x", left=0.6)
    )
    expect(page.locator("#status")).to_have_text("2 faces, 1 known.")
    boxes = page.locator("#photo .box")
    expect(boxes).to_have_text(["1", "2"])
    frame, box = page.locator("#photo").bounding_box(), boxes.first.bounding_box()
    assert frame is not None
    assert box is not None
    assert box["width"] / frame["width"] == pytest.approx(0.4, abs=0.01)
    faces = page.locator("#probe-faces > li")
    expect(faces.nth(0).get_by_role("heading", level=3)).to_have_text("Face 1: Zoë Müller")
    expect(faces.nth(0)).to_contain_text("match")
    expect(faces.nth(0)).to_contain_text("Similarity 1.000")
    expect(faces.nth(0)).to_contain_text("pairs of different people are this similar")
    expect(faces.nth(1).get_by_role("heading", level=3)).to_have_text("Face 2: Nobody known")
    expect(faces.nth(1)).to_contain_text("reaches a similarity of 0.80")
    # a crop is cut from the photo: it has the colour of the face
    pixel = (
        faces.nth(0)
        .locator("canvas")
        .evaluate("c => [...c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data]")
    )
    assert pixel[:3] == [255, 218, 185]


@pytest.mark.long
def test_the_box_of_a_face_is_on_the_face_in_a_photo_of_any_shape(
    site: Site, page: playwright.Page
) -> None:
    page.goto(site.address)
    whole = Image.open(BytesIO(painted_photo(fake_face("ann"))))
    described = PngInfo()
    described.add_text("facerec", whole.info["facerec"])
    for shape in ((120, 90), (60, 900), (2400, 300)):
        content = BytesIO()
        whole.resize(shape).save(content, "PNG", pnginfo=described)
        photo = {"name": "p.png", "mimeType": "image/png", "buffer": content.getvalue()}
        with page.expect_response("**/match"):
            page.locator("#file").set_input_files([photo])
        image = page.locator("#photo img")
        expect(image).to_have_js_property("naturalWidth", shape[0])
        expect(page.locator("#result")).to_be_visible()
        shown, frame = image.bounding_box(), page.locator("#photo").bounding_box()
        assert shown is not None
        assert frame is not None
        assert (frame["width"], frame["height"]) == pytest.approx(
            (shown["width"], shown["height"]), abs=1
        )
        assert shown["width"] / shown["height"] == pytest.approx(shape[0] / shape[1], rel=0.05)


def test_a_box_leads_to_its_face_with_the_keyboard(site: Site, page: playwright.Page) -> None:
    match(page, site, fake_face("ann", width=0.4), fake_face("bob", left=0.6))
    page.get_by_role("button", name="Face 2: unknown").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#probe-faces > li").nth(1)).to_be_focused()
    expect(page.locator("#photo .box").nth(1)).to_have_class(re.compile("chosen"))
    page.keyboard.press("k")
    expect(page.locator("#probe-faces > li").nth(0)).to_be_focused()


@pytest.mark.long
def test_people_who_are_about_equally_similar_are_both_named(
    site: Site, page: playwright.Page
) -> None:
    for name, shot in (("Ann", 1), ("Anna", 2)):
        faces = site.index(f"{name}.png", fake_face("twin", away=0.2, shot=shot))
        person = site.gallery.create_user("staff", name=name)
        site.gallery.associate_faces("staff", person.user_id, faces)
    match(page, site, fake_face("twin", away=0.0))
    face = page.locator("#probe-faces > li")
    expect(face).to_contain_text("ambiguous")
    expect(face.get_by_role("heading", level=3)).to_have_text(re.compile("Ann.* or Ann.*"))
    expect(face).to_contain_text("Compare the faces before you decide.")
    expect(face.locator(".person")).to_have_count(2)


@pytest.mark.long
def test_people_come_first_and_more_shows_all_their_faces(
    site: Site, page: playwright.Page
) -> None:
    site.add_person("ann", shots=25)
    match(page, site, fake_face("ann", away=0.1, shot=99))
    face = page.locator("#probe-faces > li")
    expect(face.locator(".person")).to_have_count(0)
    face.get_by_text("Matching faces (25)").click()
    expect(face.locator(".person")).to_have_count(20)
    expect(face.locator(".person").first).to_contain_text(re.compile(r"distance 0\.1\d\d"))
    face.get_by_role("button", name="Show all 25").click()
    expect(face.locator(".person")).to_have_count(25)
    expect(face.locator(".person").nth(20)).to_be_focused()


@pytest.mark.long
def test_faces_without_a_name_count_as_one_entry_after_people(
    site: Site, page: playwright.Page
) -> None:
    site.add_person("Ann", shots=2)
    for shot in range(4):
        site.index(f"unnamed-{shot}.png", fake_face("Ann", away=0.1, shot=20 + shot))
    match(page, site, fake_face("Ann", away=0.1, shot=99))
    face = page.locator("#probe-faces > li")
    expect(face.locator("> ul > .person")).to_have_count(1)
    expect(face).to_contain_text(re.compile("4 faces without a name match|2 faces of this person"))
    page.get_by_role("button", name="Add its faces").click()
    expect(face.locator(".naming input")).to_have_value("Ann")


@pytest.mark.long
def test_a_match_without_a_name_does_not_count_as_known(site: Site, page: playwright.Page) -> None:
    site.index("unnamed.png", fake_face("Ann", away=0.1))
    match(page, site, fake_face("Ann", away=0.1, shot=9))
    expect(page.locator("#status")).to_have_text("1 face, 0 known.")
    heading = page.locator("#probe-faces").get_by_role("heading", level=3)
    expect(heading).to_have_text("Face 1: A face without a name")


def test_faces_of_a_group_photo_are_given_to_old_and_new_people(
    site: Site, page: playwright.Page
) -> None:
    site.add_person("Zoë Müller")
    match(
        page,
        site,
        fake_face("Zoë Müller", width=0.4, away=0.1, shot=7),
        fake_face("wei", left=0.6),
        fake_face("poster", left=0.6, top=0.6, width=0.1),
    )
    page.get_by_role("button", name="Add its faces").click()
    expect(page.locator("#status")).to_contain_text("3 faces are in the collection.")
    faces = page.locator("#probe-faces > li")
    expect(faces.nth(0).get_by_label("Is this right?")).to_have_value("Zoë Müller")
    faces.nth(0).get_by_role("button", name="Save").click()
    expect(faces.nth(0)).to_contain_text("Belongs to Zoë Müller")
    faces.nth(1).get_by_label("Who is this?").fill("张伟")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("1 face given to 张伟, a new person.")
    expect(faces.nth(1)).to_contain_text("Belongs to 张伟")
    assert site.people() == {"Zoë Müller": 2, "张伟": 1}
    expect(faces.nth(2).get_by_label("Who is this?")).to_be_visible()


def test_faces_are_named_one_after_the_other_and_named_anew_after_an_undo(
    site: Site, page: playwright.Page
) -> None:
    match(page, site, fake_face("ann", width=0.4), fake_face("bob", left=0.6))
    page.get_by_role("button", name="Add its faces").click()
    faces = page.locator("#probe-faces > li")
    for name in ("Ann", "Bob"):
        expect(page.locator(":focus")).to_have_attribute("placeholder", "Name")
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(page.locator("#status")).to_have_text(f"1 face given to {name}, a new person.")
    expect(faces.nth(1)).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    field = faces.nth(1).get_by_label("Who is this?")
    expect(field).to_be_visible()
    expect(faces.nth(0)).to_contain_text("Belongs to Ann")
    field.fill("Ben")
    field.press("Enter")
    expect(faces.nth(1)).to_contain_text("Belongs to Ben")
    assert site.people() == {"Ann": 1, "Ben": 1}


@pytest.mark.long
def test_the_field_suggests_people_whose_name_has_the_text(
    site: Site, page: playwright.Page
) -> None:
    for name in ("Zoë Müller", "Zora"):
        site.gallery.create_user("staff", name=name)
    match(page, site, fake_face("x"))
    page.get_by_role("button", name="Add its faces").click()
    field = page.get_by_label("Who is this?")
    field.press_sequentially("Zor")
    expect(page.locator("datalist option")).to_have_count(1)
    assert page.locator("datalist option").get_attribute("value") == "Zora"


@pytest.mark.long
def test_a_face_that_hardly_resembles_the_person_is_added_only_on_demand(
    site: Site, page: playwright.Page
) -> None:
    site.add_person("ann")
    match(page, site, fake_face("somebody else"))
    page.get_by_role("button", name="Add its faces").click()
    page.get_by_label("Who is this?").fill("ann")
    page.keyboard.press("Enter")
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("hardly resembles the others of ann")
    question.get_by_role("button", name="Cancel").click()
    assert site.people() == {"ann": 1}
    page.get_by_role("button", name="Save").click()
    question.get_by_role("button", name="Add anyway").click()
    expect(page.locator("#probe-faces > li")).to_contain_text("Belongs to ann")
    assert site.people() == {"ann": 2}


def test_a_wrong_match_is_corrected(site: Site, page: playwright.Page) -> None:
    person = site.add_person("ann")
    match(page, site, fake_face("ann", away=0.3, shot=9))
    page.get_by_role("button", name="Add its faces").click()
    page.get_by_role("button", name="Not ann").click()
    expect(page.locator("#status")).to_contain_text("does not show ann")
    (correction,) = site.gallery.list_corrections("staff").corrections
    assert correction.person == person
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#status")).to_have_text("The change is undone.")
    assert not site.gallery.list_corrections("staff").corrections


@pytest.mark.long
def test_a_photo_that_the_browser_cannot_show_has_its_boxes(
    site: Site, page: playwright.Page
) -> None:
    page.goto(site.address)
    hidden = {
        "name": "a.heic",
        "mimeType": "image/heic",
        "buffer": fake_photo(fake_face("ann", width=0.4)),
    }
    page.locator("#file").set_input_files(hidden)
    expect(page.get_by_text("This browser cannot show the photo.")).to_be_visible()
    frame, box = page.locator("#photo").bounding_box(), page.locator(".box").bounding_box()
    assert frame is not None
    assert box is not None
    assert frame["width"] / frame["height"] == pytest.approx(640 / 480, abs=0.02)
    assert box["width"] / frame["width"] == pytest.approx(0.4, abs=0.02)


def test_a_file_that_is_not_a_photo_is_reported_as_such(site: Site, page: playwright.Page) -> None:
    page.goto(site.address)
    page.locator("#file").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no photo"}
    )
    expect(page.get_by_role("alert")).to_contain_text("cannot be read")


@pytest.mark.long
def test_options_apply_to_the_search_at_hand(site: Site, page: playwright.Page) -> None:
    match(page, site, fake_face("ann"))
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Smallest face in pixels").fill("40")
    with page.expect_response("**/match"):
        page.get_by_label("Smallest face in pixels").blur()
    with page.expect_response("**/match"):
        page.get_by_label("Quality filter").select_option("HIGH")
    asked = site.engine.asked[-1]
    assert (asked.smallest_face, asked.quality_filter) == (40, QualityFilter.HIGH)
    page.get_by_label("Minimum similarity").press("End")
    expect(page.locator("#least-meaning")).to_contain_text("fewer than 1 in 1,000,000")


def test_an_option_that_is_not_allowed_is_no_search(site: Site, page: playwright.Page) -> None:
    match(page, site, fake_face("ann"))
    searches = len(site.engine.asked)
    page.get_by_text("Options", exact=True).click()
    field = page.get_by_label("Smallest face in pixels")
    field.fill("5")
    field.press("Tab")
    assert not field.evaluate("field => field.checkValidity()")
    field.fill("40")
    field.press("Tab")
    expect(page.locator("#match-busy")).to_be_hidden()
    expect(page.locator("#probe-faces > li")).to_have_count(1)
    assert [options.smallest_face for options in site.engine.asked[searches:]] == [40]


def test_the_threshold_of_the_collection_is_the_default(site: Site, page: playwright.Page) -> None:
    site.gallery.set_threshold("staff", 0.95)
    page.goto(site.address)
    expect(page.locator("#least")).to_have_text("0.95")
    expect(page.locator("#least-meaning")).to_contain_text("about 1 in 13,000 pairs")


@pytest.mark.long
def test_the_most_matches_of_a_face_can_be_chosen(site: Site, page: playwright.Page) -> None:
    site.add_person("ann", shots=3)
    match(page, site, fake_face("ann", away=0.1, shot=99))
    face = page.locator("#probe-faces > li")
    expect(face).to_contain_text("Matching faces (3)")
    page.get_by_text("Options", exact=True).click()
    page.get_by_label("Maximum matches of each face").fill("2")
    page.get_by_label("Maximum matches of each face").press("Tab")
    expect(face).to_contain_text("Matching faces (2")


@pytest.mark.long
def test_faces_are_named_though_a_job_has_found_slightly_different_boxes(
    site: Site, page: playwright.Page
) -> None:
    def found_before(route: playwright.Route) -> None:
        answer = route.fetch()
        indexed = answer.json()
        first, second, third = indexed["faces"]
        first["box"]["left"] += 0.2 * first["box"]["width"]
        second["box"]["height"] *= 0.6
        third["box"]["left"] += 0.6 * third["box"]["width"]
        route.fulfill(response=answer, json={**indexed, "faces": [third, second, first]})

    page.route("**/face-recognition/index", found_before)
    page.goto(site.address)
    lefts = (0.0, 0.4, 0.7)
    page.locator("#file").set_input_files(
        site.upload(*(fake_face(f"p{x}", left=x, width=0.2 - x / 10, height=0.2) for x in lefts))
    )
    page.get_by_role("button", name="Add its faces").click()
    expect(page.locator("#status")).to_contain_text("3 faces are in the collection")
    fields = [face.locator("input").count() for face in page.locator("#probe-faces > li").all()]
    assert fields == [1, 1, 0]
