"""Users who are faster than the server: what has not loaded, late answers, actions under way."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from facerec.testing.engine import fake_face
from tests.functional.api.page.network import Network
from tests.functional.api.page.site import Site
from tests.support.long import mostly_long, mostly_long_rows

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = playwright.expect

CONTROLS = """() => [...document.querySelectorAll('main :is(a, button, input, select, summary)')]
    .filter(each => each.checkVisibility() && !each.matches(':disabled, #jobs-empty *'))
    .map(each => each.labels?.[0]?.textContent.trim() || each.textContent.trim())"""
AT_ONCE = {
    "unknown": ["Look for unknown people"],
    "people": ["Name of a new person", "Create", "Search by part of the name"],
    "person": ["All people"],
    "faces": [],
    "activity": [],
}
"""The controls of each view that concern nothing that is still to load."""

LISTS = {
    "unknown": "clusters",
    "people": "people-list",
    "faces": "face-list",
    "activity": "history",
}

ANSWERS = {"unknown": "clusters", "people": "people", "faces": "faces", "activity": "history"}
"""What is asked for to list it."""


@pytest.fixture
def network(page: playwright.Page) -> Iterator[Network]:
    yield Network(page)
    page.unroute_all(behavior="ignoreErrors")  # what the view still asks for, such as thumbnails


def fill(site: Site) -> str:
    """Put something into every view; return the id of a person."""
    person = site.add_person("Ann")
    site.add_cluster("cyd")
    return person


def show(page: playwright.Page, view: str) -> None:
    page.evaluate("view => { location.hash = `#/${view}`; }", view)
    expect(page.locator(f"#{view.split('/')[0]}")).to_be_visible()


@pytest.mark.parametrize("view", mostly_long(AT_ONCE, 2))
def test_nothing_can_be_done_with_what_has_not_loaded(
    site: Site, page: playwright.Page, network: Network, view: str
) -> None:
    person = fill(site)
    page.goto(f"{site.address}/#/match")
    expect(page.locator("#match")).to_be_visible()
    network.hold()
    show(page, f"person/{person}" if view == "person" else view)
    assert page.evaluate(CONTROLS) == AT_ONCE[view]
    network.wait()
    network.release()
    expect(page.locator("#" + LISTS.get(view, "person-faces") + " > li").first).to_be_visible()
    assert set(page.evaluate(CONTROLS)) > set(AT_ONCE[view])


def test_nothing_is_left_of_the_person_who_was_shown_before(
    site: Site, page: playwright.Page, network: Network
) -> None:
    ann, bob = (
        site.add_person("Ann", shots=2),
        site.gallery.create_user("staff", name="Bob").user_id,
    )
    page.goto(f"{site.address}/#/person/{ann}")
    expect(page.locator("#found > li")).to_have_count(2)
    page.get_by_label("Is also").fill("Ann's twin")
    network.hold()
    show(page, f"person/{bob}")
    network.wait(bob)
    assert page.evaluate(CONTROLS) == AT_ONCE["person"]
    assert "Ann" not in page.locator("#person").inner_text()
    for field in ("Name", "Is also"):
        expect(page.get_by_label(field, exact=True)).to_have_value("")
    network.release()
    expect(page.get_by_label("Name", exact=True)).to_have_value("Bob")
    expect(page.locator("#person-empty")).to_be_visible()
    page.get_by_role("button", name="Delete …").click()
    expect(page.get_by_role("dialog")).to_contain_text("Delete Bob?")


@pytest.mark.parametrize("view", mostly_long(LISTS, 2))
def test_a_list_has_only_what_the_chosen_collection_has(
    site: Site, page: playwright.Page, network: Network, view: str
) -> None:
    fill(site)
    site.gallery.create_collection("visitors")
    items = page.locator(f"#{LISTS[view]} > li")
    page.goto(f"{site.address}/#/{view}")
    expect(items.first).to_be_visible()
    network.hold("**/collections/**")
    show(page, "match")
    show(page, view)
    # The list of people is not asked for again, as nobody was changed.
    network.wait("/staff" if view == "people" else "/staff/")
    page.get_by_label("Collection", exact=True).select_option("visitors")
    assert page.evaluate(CONTROLS) == AT_ONCE[view]
    expect(items).to_have_count(0)
    network.wait("/visitors")
    network.release("/visitors")
    expect(page.locator(f"#{view} .empty:visible").last).to_be_visible()
    network.release()
    expect(items).to_have_count(0)


@pytest.mark.long
def test_people_of_another_collection_are_not_listed_after_a_detour(
    site: Site, page: playwright.Page, network: Network
) -> None:
    fill(site)
    site.gallery.create_collection("visitors")
    page.goto(f"{site.address}/#/match")
    network.hold("**/people?*")
    show(page, "people")
    network.wait()
    show(page, "match")
    page.get_by_label("Collection", exact=True).select_option("visitors")
    network.release()
    show(page, "people")
    expect(page.locator("#people-empty")).to_be_visible()
    expect(page.locator("#people-list > li")).to_have_count(0)


@pytest.mark.long
def test_an_error_about_a_person_who_is_no_longer_shown_changes_nothing(
    site: Site, page: playwright.Page, network: Network
) -> None:
    bob = site.add_person("Bob")
    page.goto(f"{site.address}/#/match")
    network.hold("**/people/nobody")
    show(page, "person/nobody")
    network.wait()
    show(page, f"person/{bob}")
    expect(page.locator("#person-title")).to_have_text("Bob")
    network.release()
    expect(page.locator("#person-title")).to_have_text("Bob")
    assert page.url.endswith(bob)


@pytest.mark.long
def test_the_heading_is_not_read_before_it_has_the_name(
    site: Site, page: playwright.Page, network: Network
) -> None:
    people = [site.gallery.create_user("staff", name=name).user_id for name in ("Ann", "Bob")]
    page.goto(f"{site.address}/#/match")
    expect(page.locator("#match")).to_be_visible()
    page.evaluate(
        """() => {
            window.read = [];
            document.addEventListener(
                'focusin', event => window.read.push(event.target.textContent));
        }"""
    )
    network.hold("**/people/*")
    for person in people:
        show(page, f"person/{person}")
        network.wait(person)
    network.release()
    expect(page.locator("#person-title")).to_be_focused()
    assert page.evaluate("window.read") == ["Bob"]


@pytest.mark.long
def test_a_question_is_not_asked_once_its_view_was_left(
    site: Site, page: playwright.Page, network: Network
) -> None:
    ann = site.add_person("Ann")
    site.add_person("Bob")
    page.goto(f"{site.address}/#/person/{ann}")
    page.get_by_label("Is also").fill("Bob")
    network.hold("**/people?*")
    page.get_by_role("button", name="Merge …").click()
    network.wait()
    show(page, "match")
    network.release()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert site.people() == {"Ann": 1, "Bob": 1}


BUSY = """button => [...(button.closest('.card, .actions') ?? button.parentElement)
    .querySelectorAll('button')].every(each => each.disabled)"""


@pytest.mark.parametrize(
    ("view", "button", "requests", "message"),
    mostly_long_rows(
        [
            ("unknown", "Ignore", "**/ignored", "The cluster is ignored."),
            (
                "unknown",
                "Not a face: face 2",
                "**/not-a-face",
                "It is marked as not a face, and is in no cluster.",
            ),
            ("faces", "Delete: the face of ann", "**/faces/*", "The face is deleted."),
            ("person", "Delete …", "**/people/*", "Ann is deleted; the faces stay."),
            (
                "person",
                "Remove: face 1",
                "**/people/*/faces/*",
                "The face no longer belongs to Ann.",
            ),
            ("activity", "Undo: Gave faces to Ann", "**/undo", "The change is undone."),
        ],
        2,
    ),
)
def test_an_action_under_way_is_not_begun_again(
    site: Site,
    page: playwright.Page,
    network: Network,
    view: str,
    button: str,
    requests: str,
    message: str,
) -> None:
    person = fill(site)
    page.goto(f"{site.address}/#/{'person/' + person if view == 'person' else view}")
    control = page.get_by_role("button", name=re.compile(re.escape(button), re.IGNORECASE)).first
    expect(control).to_be_visible()
    page.wait_for_load_state("networkidle")
    element = control.element_handle()
    network.hold(requests)
    control.click()
    if button.startswith("Delete"):
        page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    network.wait()
    assert element.evaluate(BUSY)
    network.release()
    expect(page.locator("#status")).to_have_text(message)


@pytest.mark.long
def test_a_person_who_is_deleted_is_no_longer_listed(site: Site, page: playwright.Page) -> None:
    ann = site.add_person("Ann")
    page.goto(f"{site.address}/#/people")
    expect(page.locator("#people-list > li")).to_have_count(1)
    show(page, f"person/{ann}")
    page.get_by_role("button", name="Delete …").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("#people-list > li")).to_have_count(0)


@pytest.mark.long
def test_each_of_two_changes_at_once_has_its_own_question_and_message(
    site: Site, page: playwright.Page, network: Network
) -> None:
    site.add_person("ann")
    site.add_person("bob")
    page.goto(site.address)
    page.locator("#file").set_input_files(
        site.upload(fake_face("x", width=0.4), fake_face("y", left=0.6))
    )
    page.get_by_role("button", name="Add its faces").click()
    fields = page.get_by_label("Who is this?")
    expect(fields).to_have_count(2)
    network.hold("**/history?*")
    for index, name in enumerate(("ann", "bob")):
        fields.nth(index).fill(name)
        fields.nth(index).press("Enter")
    network.wait()
    network.release()
    question = page.get_by_role("dialog")
    expect(question).to_contain_text("hardly resembles the others of ann")
    page.keyboard.press("Escape")
    expect(question).to_contain_text("hardly resembles the others of bob")
    question.get_by_role("button", name="Add anyway").click()
    expect(page.locator("#status")).to_have_text("1 face given to bob.")
    assert site.people() == {"ann": 1, "bob": 2}


@pytest.mark.long
def test_a_late_answer_does_not_take_the_focus_from_where_the_user_types(
    site: Site, page: playwright.Page, network: Network
) -> None:
    for name in ("ann", "bob", "cyd"):
        site.add_cluster(name)
    page.goto(f"{site.address}/#/unknown")
    clusters = page.locator("#clusters > li")
    first, third = clusters.nth(0), clusters.nth(2)
    network.hold("**/history?*")
    first.get_by_label("Name", exact=True).fill("Ann")
    first.get_by_label("Name", exact=True).press("Enter")
    network.wait()
    typing = third.get_by_label("Name", exact=True)
    typing.press_sequentially("Cy")
    network.release()
    expect(clusters).to_have_count(2)
    expect(page.locator("#status")).to_contain_text("given to Ann")
    page.keyboard.type("d")
    expect(clusters.nth(1).get_by_label("Name", exact=True)).to_have_value("Cyd")


@pytest.mark.long
def test_what_is_typed_and_deselected_stays_when_clusters_are_listed_again(
    site: Site, page: playwright.Page
) -> None:
    site.add_cluster("ann")
    page.goto(f"{site.address}/#/unknown")
    cluster = page.locator("#clusters > li")
    cluster.get_by_label("Same").nth(2).uncheck()
    cluster.get_by_label("Name", exact=True).fill("An")
    before = cluster.element_handle()
    page.get_by_role("button", name="Look for unknown people").click()
    expect(page.locator("#status")).to_contain_text("0 new clusters")
    assert not before.evaluate("item => item.isConnected")
    expect(cluster).to_contain_text("2 faces, 1 of somebody else")
    expect(cluster.get_by_label("Name", exact=True)).to_have_value("An")


@pytest.mark.long
def test_the_undo_key_waits_for_the_change_under_way(
    site: Site, page: playwright.Page, network: Network
) -> None:
    ann = site.add_person("Ann")
    page.goto(f"{site.address}/#/person/{ann}")
    network.hold("**/history?limit=20")
    page.get_by_label("Name", exact=True).fill("Anne")
    page.keyboard.press("Enter")
    network.wait()
    page.locator("#main").focus()
    page.keyboard.press("u")
    network.release()
    expect(page.locator("#status")).to_have_text("The change is undone.")
    expect(page.locator("#person-title")).to_have_text("Ann")


@pytest.mark.long
def test_a_change_is_said_to_be_made_even_if_its_history_cannot_be_read(
    site: Site, page: playwright.Page
) -> None:
    page.goto(f"{site.address}/#/people")
    page.route("**/history?limit=20", lambda route: route.abort())
    page.get_by_label("Name of a new person").fill("Ann")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Ann is created.")
    expect(page.get_by_role("button", name="Undo")).to_be_hidden()


@pytest.mark.long
def test_a_change_that_is_never_answered_is_an_error_and_the_next_is_made(
    site: Site, page: playwright.Page, network: Network
) -> None:
    page.clock.install()
    page.goto(f"{site.address}/#/people")
    expect(page.locator("#people-empty")).to_be_visible()
    name = page.get_by_label("Name of a new person")
    network.hold("**/people")
    name.fill("Ann")
    name.press("Enter")
    network.wait()
    expect(page.get_by_label("Collection", exact=True)).to_be_disabled()
    page.clock.fast_forward("02:00")
    expect(page.get_by_role("alert")).to_contain_text("did not answer within 2 minutes")
    expect(page.locator("#people-list")).to_have_text(
        re.compile("^Ann")
    )  # it was made all the same
    expect(page.get_by_label("Collection", exact=True)).to_be_enabled()
    page.unroute("**/people")
    name.fill("Bob")
    name.press("Enter")
    expect(page.locator("#status")).to_have_text("Bob is created.")


@pytest.mark.long
def test_a_name_that_is_changed_back_is_not_shown_any_more(
    site: Site, page: playwright.Page
) -> None:
    ann = site.add_person("Ann")
    page.goto(f"{site.address}/#/person/{ann}")
    page.get_by_label("Name", exact=True).fill("Anne")
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("The name is now Anne.")
    show(page, "faces")
    name = page.locator("#face-list .name").first
    expect(name).to_have_text("Anne")
    show(page, "activity")
    page.get_by_role("button", name="Undo: Renamed Anne").click()
    expect(page.locator("#status")).to_have_text("The change is undone.")
    show(page, "faces")
    expect(name).to_have_text("Ann")


@pytest.mark.long
def test_a_photo_is_searched_with_the_threshold_of_a_collection_that_is_not_known_yet(
    site: Site, page: playwright.Page, network: Network
) -> None:
    site.gallery.set_threshold("staff", 0.95)
    network.hold("**/collections/staff")
    page.goto(site.address)
    network.wait()
    page.locator("#file").set_input_files(site.upload(fake_face("ann")))
    expect(page.locator("#probe-faces")).to_contain_text("reaches a similarity of 0.95")
    network.release()
    expect(page.locator("#least")).to_have_text("0.95")


def test_the_page_starts_once_the_server_answers(site: Site, page: playwright.Page) -> None:
    page.route("**/collections?*", lambda route: route.fulfill(status=500, json={"detail": "off"}))
    page.goto(site.address)
    expect(page.get_by_role("alert")).to_have_text("off")
    page.unroute("**/collections?*")
    page.get_by_role("link", name="People").click()
    expect(page.locator("#people-empty")).to_be_visible()


def test_a_view_that_failed_loads_again_when_its_tab_is_chosen(
    site: Site, page: playwright.Page
) -> None:
    page.route("**/people?*", lambda route: route.fulfill(status=500, json={"detail": "off"}))
    page.goto(f"{site.address}/#/people")
    expect(page.get_by_role("alert")).to_have_text("off")
    page.unroute("**/people?*")
    page.get_by_role("link", name="People", exact=True).click()
    expect(page.locator("#people-empty")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()


def show_again(page: playwright.Page, network: Network, view: str) -> None:
    """Show a view whose list stays as it was until its new answer arrives."""
    show(page, "match")
    network.hold(f"**/{ANSWERS[view]}?*")
    show(page, view)
    if view == "people":  # which is not asked for again until something is typed
        page.get_by_label("Search by part of the name").fill("n")
    network.wait()
    page.wait_for_timeout(50)  # the heading has got the focus


@pytest.mark.parametrize("view", mostly_long(LISTS, 2))
def test_the_focus_stays_at_its_item_while_a_list_is_renewed(
    site: Site, page: playwright.Page, network: Network, view: str
) -> None:
    for name in ("Ann", "Nat", "Ron"):
        site.add_person(name)
        site.add_cluster(f"unknown {name}")
    page.goto(f"{site.address}/#/{view}")
    items = page.locator(f"#{LISTS[view]} > li")
    second = items.nth(1)
    expect(second).to_be_visible()
    page.wait_for_load_state("networkidle")
    show_again(page, network, view)
    second.evaluate("item => { item.dataset.old = ''; }")
    control = second.locator("button, a").last
    control.focus()
    label = control.text_content() or ""
    network.release()
    expect(page.locator("[data-old]")).to_have_count(0)
    expect(second.locator(":focus")).to_have_text(label)


@pytest.mark.parametrize("left", [1, 0])
def test_the_focus_stays_in_a_list_that_is_renewed_when_a_face_is_deleted(
    site: Site, page: playwright.Page, network: Network, left: int
) -> None:
    for name in ("x", "y")[: left + 1]:
        site.index(f"{name}.png", fake_face(name))
    page.goto(f"{site.address}/#/faces")
    items = page.locator("#face-list > li")
    expect(items).to_have_count(left + 1)
    page.wait_for_load_state("networkidle")
    show_again(page, network, "faces")
    items.first.evaluate("item => { item.dataset.old = ''; }")
    items.first.get_by_role("button", name="Delete").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Delete").press("Enter")
    expect(page.locator("#status")).to_have_text("The face is deleted.")
    network.release()
    expect(items).to_have_count(left)
    expect(page.locator("#faces-busy")).to_be_hidden()
    expect(page.locator("#face-list button, #faces-title").nth(1 if left else 0)).to_be_focused()


@pytest.mark.long
def test_a_name_that_is_half_typed_stays_while_the_list_is_renewed(
    site: Site, page: playwright.Page, network: Network
) -> None:
    for name in ("x", "y"):
        site.index(f"{name}.png", fake_face(name))
    page.goto(f"{site.address}/#/faces")
    items = page.locator("#face-list > li")
    expect(items).to_have_count(2)
    page.wait_for_load_state("networkidle")
    show_again(page, network, "faces")
    items.first.evaluate("item => { item.dataset.old = ''; }")
    items.nth(1).locator("button").first.press("Enter")
    page.keyboard.type("An")
    network.release()
    expect(page.locator("[data-old]")).to_have_count(0)
    page.keyboard.type("na")
    expect(page.get_by_label("Who is this?")).to_have_value("Anna")
    items.nth(1).get_by_role("button", name="Cancel").press("Enter")
    expect(items.nth(1).locator("button").first).to_be_focused()
