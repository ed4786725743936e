"""People: those whom nobody has named yet, their names, faces and photos, and the history."""

from __future__ import annotations

import re

import pytest

from facerec.testing.engine import fake_face
from tests.functional.api.page.site import Site

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect


def test_photos_become_clusters_and_a_cluster_a_person(site: Site, page: playwright.Page) -> None:
    for shot in range(3):
        site.index(f"ann-{shot}.png", fake_face("ann", shot=shot, away=0.1))
    page.goto(f"{site.address}/#/unknown")
    expect(page.locator("#unknown-empty")).to_contain_text("There is nobody to name.")
    page.get_by_role("button", name="Look for unknown people").click()
    expect(page.locator("#status")).to_contain_text("1 new cluster")
    cluster = page.locator("#clusters > li")
    expect(cluster.get_by_role("heading")).to_have_text("Who is this?")
    expect(cluster.locator("img[src^=blob]")).to_have_count(3)
    cluster.get_by_label("Name", exact=True).fill("Ann Lee")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("3 faces given to Ann Lee, a new person.")
    expect(cluster).to_have_count(0)
    assert site.people() == {"Ann Lee": 3}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#status")).to_have_text("The change is undone.")
    assert site.people() == {}
    expect(cluster).to_have_count(1)


@pytest.mark.long
def test_faces_of_somebody_else_are_deselected_before_a_cluster_is_named(
    site: Site, page: playwright.Page
) -> None:
    site.add_cluster("ann")
    page.goto(f"{site.address}/#/unknown")
    cluster = page.locator("#clusters > li")
    cluster.get_by_label("Same").nth(2).uncheck()
    expect(cluster).to_contain_text("2 faces, 1 of somebody else")
    cluster.get_by_label("Name", exact=True).fill("Ann")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_contain_text("2 faces given to Ann")
    assert site.people() == {"Ann": 2}
    assert len(site.gallery.list_corrections("staff").corrections) == 1


def suggest(site: Site, page: playwright.Page) -> playwright.Locator:
    """Show a cluster that has faces of Ann."""
    site.add_person("Ann", shots=2)
    site.add_cluster("Ann")
    page.goto(f"{site.address}/#/unknown")
    cluster = page.locator("#clusters > li")
    expect(cluster.get_by_role("heading")).to_have_text("Is this Ann?")
    return cluster


@pytest.mark.long
def test_a_cluster_is_added_to_the_suggested_person(site: Site, page: playwright.Page) -> None:
    cluster = suggest(site, page)
    expect(cluster.get_by_alt_text(re.compile("^Face . of Ann"))).to_have_count(2)
    cluster.get_by_role("button", name="Yes, the same person").click()
    expect(page.locator("#status")).to_have_text("3 faces given to Ann.")
    expect(cluster).to_have_count(0)
    expect(page.get_by_role("button", name="Look for unknown people")).to_be_focused()
    assert site.people() == {"Ann": 5}


def add_namesakes(site: Site) -> None:
    """Add a person whose id, which is shown for want of a name, is the name of another person."""
    (face_id,) = site.index("Zoe.png", fake_face("Zoe"))
    site.gallery.create_user("staff", "Zoe")
    site.gallery.associate_faces("staff", "Zoe", [face_id])
    site.gallery.create_user("staff", "z9", name="Zoe")


def faces_by_id(site: Site) -> dict[str, int]:
    return {user.user_id: len(user.face_ids) for user in site.gallery.list_users("staff").users}


@pytest.mark.long
def test_a_cluster_is_added_to_who_is_suggested_though_another_is_called_so(
    site: Site, page: playwright.Page
) -> None:
    add_namesakes(site)
    site.add_cluster("Zoe")
    page.goto(f"{site.address}/#/unknown")
    cluster = page.locator("#clusters > li")
    expect(cluster.get_by_role("heading")).to_have_text("Is this Zoe?")
    cluster.get_by_role("button", name="Yes, the same person").click()
    expect(page.locator("#status")).to_have_text("3 faces given to Zoe.")
    assert faces_by_id(site) == {"Zoe": 4, "z9": 0}


@pytest.mark.long
def test_a_face_of_a_photo_is_given_to_who_is_proposed_though_another_is_called_so(
    site: Site, page: playwright.Page
) -> None:
    add_namesakes(site)
    page.goto(site.address)
    page.locator("#file").set_input_files(site.upload(fake_face("Zoe", shot=1, away=0.1)))
    page.get_by_role("button", name="Add its faces").click()
    expect(page.get_by_label("Is this right?")).to_have_value("Zoe")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#status")).to_have_text("1 face given to Zoe.")
    assert faces_by_id(site) == {"Zoe": 2, "z9": 0}


@pytest.mark.long
def test_a_cluster_does_not_show_the_suggested_person(site: Site, page: playwright.Page) -> None:
    cluster = suggest(site, page)
    cluster.get_by_role("button", name="No, not Ann").click()
    expect(page.locator("#status")).to_contain_text("These faces do not show Ann")
    expect(cluster.get_by_role("heading")).to_have_text("Who is this?")
    assert len(site.gallery.list_corrections("staff").corrections) == 3
    assert site.people() == {"Ann": 2}


@pytest.mark.long
def test_a_cluster_is_ignored_and_listed_again(site: Site, page: playwright.Page) -> None:
    site.add_cluster("ann")
    page.goto(f"{site.address}/#/unknown")
    page.get_by_role("button", name=re.compile("^Ignore cluster")).click()
    expect(page.locator("#status")).to_have_text("The cluster is ignored.")
    expect(page.locator("#clusters > li")).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#clusters > li")).to_have_count(1)
    (cluster,) = site.gallery.list_clusters("staff").clusters
    for ignored in (True, False):
        site.gallery.ignore_cluster("staff", cluster.cluster_id, ignored=ignored)
    page.goto(f"{site.address}/#/activity")
    expect(page.locator("#history strong")).to_have_text(
        [
            "Listed a cluster again",
            "Ignored a cluster",
            "Undid a change of a cluster",
            "Ignored a cluster",
        ]
    )


@pytest.mark.long
def test_an_undo_keeps_the_focus_and_the_names_that_are_half_typed(
    site: Site, page: playwright.Page
) -> None:
    for person in ("ann", "bob"):
        site.add_cluster(person)
    page.goto(f"{site.address}/#/unknown")
    first, second = page.locator("#clusters > li").nth(0), page.locator("#clusters > li").nth(1)
    first.get_by_label("Name", exact=True).fill("Ann")
    second.get_by_label("Name", exact=True).fill("Bo")
    first.get_by_label("Name", exact=True).press("Enter")
    expect(page.locator("#clusters > li")).to_have_count(1)
    page.keyboard.press("u")
    expect(page.locator("#status")).to_have_text("The change is undone.")
    expect(page.locator("#clusters > li")).to_have_count(2)
    expect(second).to_be_focused()
    expect(second.get_by_label("Name", exact=True)).to_have_value("Bo")


@pytest.mark.long
def test_what_is_not_a_face_leaves_its_cluster(site: Site, page: playwright.Page) -> None:
    site.add_cluster("statue")
    page.goto(f"{site.address}/#/unknown")
    page.get_by_role("button", name="Not a face: face 2").click()
    expect(page.locator("#clusters .faces > li")).to_have_count(2)
    expect(page.locator("#clusters > li")).to_contain_text("2 faces")
    (cluster,) = site.gallery.list_clusters("staff").clusters
    assert len(cluster.face_ids) == 2
    page.keyboard.press("u")
    expect(page.locator("#status")).to_have_text("The change is undone.")


@pytest.mark.long
def test_the_collection_stays_the_same_while_people_change(
    site: Site, page: playwright.Page
) -> None:
    site.gallery.create_collection("visitors")
    site.add_person("Ann")
    open_person(site, page, "Ann")
    held: list[playwright.Route] = []
    page.route("**/name", lambda route: held.append(route))
    page.get_by_label("Name", exact=True).fill("Anne")
    with page.expect_request("**/name"):
        page.keyboard.press("Enter")
    expect(page.get_by_label("Collection", exact=True)).to_be_disabled()
    for route in held:
        route.continue_()
    expect(page.locator("#status")).to_have_text("The name is now Anne.")
    expect(page.get_by_label("Collection", exact=True)).to_be_enabled()


def test_people_are_listed_searched_and_created(site: Site, page: playwright.Page) -> None:
    site.add_person("Zoë Müller")
    site.gallery.create_user("staff", "e-1041")
    page.goto(f"{site.address}/#/people")
    people = page.locator("#people-list > li")
    expect(people).to_have_count(2)
    expect(page.locator("#people-count")).to_have_text("2")
    page.get_by_label("Search by part of the name").fill("zoë")
    expect(people).to_have_count(1)
    expect(people).to_contain_text("Zoë Müller")
    expect(people).to_contain_text("1 face")
    expect(people.locator("img")).to_have_attribute("src", re.compile("^blob:"))
    page.get_by_label("Search by part of the name").fill("nobody")
    expect(page.locator("#people-empty")).to_have_text("No name contains this text.")
    page.get_by_label("Search by part of the name").fill("")
    page.get_by_label("Name of a new person").fill("张伟")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("张伟 is created.")
    expect(people).to_have_count(3)
    page.get_by_label("Name of a new person").fill("张伟")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("exist")


def open_person(site: Site, page: playwright.Page, name: str) -> None:
    page.goto(f"{site.address}/#/people")
    page.get_by_role("link", name=re.compile(rf"^{name}\s*\d")).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def test_a_person_is_renamed_and_it_is_undone_with_a_key(site: Site, page: playwright.Page) -> None:
    site.add_person("Ann")
    open_person(site, page, "Ann")
    page.get_by_label("Name", exact=True).fill("Anne")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1, name="Anne")).to_be_visible()
    page.locator("#main").focus()
    page.keyboard.press("u")
    expect(page.locator("#status")).to_have_text("The change is undone.")
    expect(page.locator("#person-title")).to_have_text("Ann")
    assert site.people() == {"Ann": 1}


@pytest.mark.long
def test_a_name_is_removed_only_after_a_question(site: Site, page: playwright.Page) -> None:
    site.add_person("Ann")
    open_person(site, page, "Ann")
    page.get_by_label("Name", exact=True).fill(" ")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Remove the name Ann?")
    page.keyboard.press("Escape")
    assert site.people() == {"Ann": 1}


def test_two_people_are_merged_after_a_question(site: Site, page: playwright.Page) -> None:
    site.add_person("Ann", shots=2)
    site.add_person("Anna")
    open_person(site, page, "Ann")
    page.get_by_label("Is also").fill("Anna")
    page.get_by_role("button", name="Merge …").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("Add the 1 face of Anna to Ann?")
    question.get_by_role("button", name="Merge").click()
    expect(page.locator("#person-faces > li")).to_have_count(3)
    assert site.people() == {"Ann": 3}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#status")).to_have_text("The change is undone.")
    assert site.people() == {"Ann": 2, "Anna": 1}


@pytest.mark.long
def test_a_merge_with_nobody_is_an_error_that_can_be_read(
    site: Site, page: playwright.Page
) -> None:
    site.add_person("Ann")
    open_person(site, page, "Ann")
    page.get_by_label("Is also").fill("Nobody")
    page.get_by_role("button", name="Merge …").click()
    expect(page.get_by_role("alert")).to_have_text("Nobody is called Nobody.")
    page.get_by_label("Is also").fill("Ann")
    page.get_by_role("button", name="Merge …").click()
    expect(page.get_by_role("alert")).to_contain_text("This is the same person.")
    page.keyboard.press("Escape")
    expect(page.get_by_role("alert")).to_be_hidden()


@pytest.mark.long
def test_a_name_is_found_among_many_that_contain_it(site: Site, page: playwright.Page) -> None:
    mary, son = site.add_person("Mary"), site.add_person("son")
    others = [{"user_id": f"{n}son", "name": f"{n}son", "face_count": 0} for n in range(3)]

    def in_pages(route: playwright.Route) -> None:
        if "next_token" in route.request.url:
            route.continue_(url=route.request.url.replace("next_token=more", ""))
        else:
            route.fulfill(json={"people": others, "next_token": "more"})

    page.route("**/people?name_contains=son*", in_pages)
    page.goto(f"{site.address}/#/person/{mary}")
    page.get_by_label("Is also").fill("son")
    page.get_by_role("button", name="Merge …").click()
    page.get_by_role("dialog").get_by_role("button", name="Merge").click()
    expect(page.locator("#status")).to_have_text("son is now part of Mary.")
    assert son not in [user.user_id for user in site.gallery.list_users("staff").users]


@pytest.mark.long
def test_the_heading_that_is_read_has_the_name_of_the_person_at_hand(
    site: Site, page: playwright.Page
) -> None:
    ann, bob = site.add_person("Ann"), site.add_person("Bob")
    read = """document.addEventListener('focusin', event => {
        if (event.target.id === 'person-title') window.read.push(event.target.textContent);
    }); window.read = []"""
    page.goto(f"{site.address}/#/people")
    expect(page.locator("#people")).to_be_visible()
    page.evaluate(read)
    for user_id, name in ((ann, "Ann"), (bob, "Bob")):
        page.evaluate("id => { location.hash = `#/person/${id}`; }", user_id)
        expect(page).to_have_title(re.compile(f"^{name} . facerec$"))
        expect(page.locator("#person-title")).to_be_focused()
        page.evaluate("location.hash = '#/people'")
        expect(page.locator("#people-title")).to_be_focused()
    assert page.evaluate("window.read") == ["Ann", "Bob"]


@pytest.mark.long
def test_the_way_back_from_a_person_leads_to_the_same_place_of_the_list(
    site: Site, page: playwright.Page
) -> None:
    for number in range(70):
        site.gallery.create_user("staff", name=f"Person {number}")
    page.goto(f"{site.address}/#/people")
    page.get_by_role("button", name="Show more").click()
    last = page.locator("#people-list a").nth(69)
    last.click()
    expect(page.locator("#person-title")).to_contain_text("Person")
    page.go_back()
    expect(last).to_be_in_viewport()


def test_a_person_is_deleted_only_after_a_question(site: Site, page: playwright.Page) -> None:
    site.add_person("Ann")
    page.goto(f"{site.address}/#/match")
    expect(page.locator("#match")).to_be_visible()
    open_person(site, page, "Ann")
    page.get_by_role("button", name="Delete …").click()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("cannot be undone")
    page.keyboard.press("Escape")
    assert site.people() == {"Ann": 1}
    page.get_by_role("button", name="Delete …").click()
    question.get_by_role("button", name="Delete").click()
    expect(page.locator("#status")).to_have_text("Ann is deleted; the faces stay.")
    assert site.people() == {}
    assert site.gallery.describe_collection("staff").face_count == 1
    page.go_back()
    assert page.url.endswith("#/people")
    page.go_back()
    expect(page.locator("#match")).to_be_visible()


@pytest.mark.parametrize("name", [".", ".."])
def test_a_person_called_by_dots_is_deleted_and_not_the_collection(
    site: Site, page: playwright.Page, name: str
) -> None:
    site.add_person("Ann")
    site.gallery.create_user("staff", name=name)
    page.goto(f"{site.address}/#/people")
    page.get_by_role("link", name=re.compile(rf"^{re.escape(name)}\s*0")).click()
    expect(page.locator("#person-title")).to_have_text(name)
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#status")).to_contain_text("is deleted")
    assert site.people() == {"Ann": 1}


@pytest.mark.long
@pytest.mark.parametrize("part", ["", ".", ".."])
def test_an_address_of_dots_shows_no_person(site: Site, page: playwright.Page, part: str) -> None:
    site.add_person("Ann")
    page.goto(f"{site.address}/#/person/{part}")
    expect(page.locator("#status")).to_have_text("This person is not in the collection.")
    expect(page.locator("#people-list > li")).to_have_count(1)


@pytest.mark.long
def test_a_change_stays_with_the_person_for_whom_it_was_begun(
    site: Site, page: playwright.Page
) -> None:
    site.add_person("Ann")
    site.add_person("Bob")
    open_person(site, page, "Ann")
    open_person(site, page, "Bob")
    held: list[playwright.Route] = []
    page.route("**/history?limit=1", lambda route: held.append(route))
    page.get_by_label("Name", exact=True).fill("Robert")
    with page.expect_request("**/history?limit=1"):
        page.keyboard.press("Enter")
    page.go_back()
    page.go_back()
    expect(page.get_by_role("heading", level=1, name="Ann")).to_be_visible()
    for route in held:
        route.continue_()
    expect(page.locator("#status")).to_have_text("The name is now Robert.")
    assert site.people() == {"Ann": 1, "Robert": 1}


@pytest.mark.long
def test_a_person_who_is_gone_is_a_message_and_no_trap(site: Site, page: playwright.Page) -> None:
    page.goto(f"{site.address}/#/match")
    expect(page.locator("#match")).to_be_visible()
    page.goto(f"{site.address}/#/person/nobody")
    expect(page.locator("#status")).to_have_text("This person is not in the collection.")
    expect(page.locator("#people")).to_be_visible()
    page.go_back()
    expect(page.locator("#match")).to_be_visible()


def test_all_photos_of_a_person_are_shown_the_doubtful_ones_apart(
    site: Site, page: playwright.Page
) -> None:
    site.add_person("Ann", shots=2)
    open_person(site, page, "Ann")
    site.index("party.png", fake_face("Ann", shot=9))
    page.reload()
    expect(page.locator("#found > li")).to_have_count(3)
    expect(page.locator("#found")).to_contain_text("party.png")
    expect(page.locator("#doubtful-part")).to_be_hidden()
    faces = site.index("anna.png", fake_face("Ann", shot=8))
    site.gallery.associate_faces(
        "staff", site.gallery.create_user("staff", name="Anna").user_id, faces
    )
    page.reload()
    expect(page.locator("#doubtful > li")).to_have_count(1)
    expect(page.locator("#doubtful")).to_contain_text("party.png")
    expect(page.locator("#doubtful")).to_contain_text("resembles somebody else about as much")


def test_a_face_is_taken_from_a_person(site: Site, page: playwright.Page) -> None:
    site.add_person("Ann", shots=2)
    open_person(site, page, "Ann")
    page.get_by_role("button", name="Remove: face 1 of Ann").click()
    expect(page.locator("#status")).to_have_text("The face no longer belongs to Ann.")
    expect(page.locator("#person-faces > li")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#person-faces > li")).to_have_count(2)


def test_the_history_lists_changes_and_undoes_them(site: Site, page: playwright.Page) -> None:
    person = site.add_person("Ann")
    with site.gallery.requested_by("zoe", why="a typo"):
        site.gallery.rename_user("staff", person, "Anne")
    page.goto(f"{site.address}/#/activity")
    newest = page.locator("#history > li").first
    expect(newest).to_contain_text("Renamed Anne")
    expect(newest).to_contain_text("by zoe · a typo")
    newest.get_by_role("button", name="Undo").click()
    expect(newest).to_contain_text("Undid a change of Ann")
    renamed = page.locator("#history > li").nth(1)
    expect(renamed).to_contain_text("undone")
    expect(renamed.get_by_role("button")).to_have_count(0)
    assert site.people() == {"Ann": 1}
