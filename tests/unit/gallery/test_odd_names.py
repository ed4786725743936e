r"""Names that are derived from paths are one-to-one, whatever the paths are."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from facerec.core.addresses import address_of_source, storable_source
from facerec.core.derived_names import derived_external_image_id, derived_user_id, is_derived
from facerec.core.names import MAX_NAME_LENGTH, MAX_USER_ID_LENGTH, checked_user_name
from facerec.errors import InvalidInputError
from facerec.gallery.people.enrolment_rules import name_by_folder, name_by_pattern
from facerec.jobs.remembered.photos import escaped, unescaped

ALIKE = [*"\\x20fc5AnZ% .:\t\n", "\xa0", "\u3000", "\u0301", "é", "\udcfc", "\udcc3", "\udca9"]
PARTS = st.one_of(
    st.text(st.sampled_from(ALIKE), min_size=1, max_size=9),
    st.binary(min_size=1, max_size=12).map(lambda name: name.decode(errors="surrogateescape")),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
).map(lambda name: name.replace("/", "-").replace("\0", "-"))
# only what a folder can be called: bytes that are UTF-8 are read as such
FOLDERS = PARTS.filter(
    lambda name: (
        name not in (".", "..")
        and name.encode(errors="surrogateescape").decode(errors="surrogateescape") == name
    )
)


@given(st.lists(FOLDERS, min_size=1, max_size=6, unique=True))
def test_stored_addresses_are_as_different_as_the_photos(folders: list[str]) -> None:
    stored = [storable_source(f"/photos/{folder}/1.jpg") for folder in folders]
    assert len(set(stored)) == len(folders)
    assert [address_of_source(each) for each in stored] == [f"/photos/{f}/1.jpg" for f in folders]
    for each in stored:
        each.encode()


@given(
    st.lists(FOLDERS, min_size=1, max_size=6, unique_by=lambda f: unicodedata.normalize("NFC", f))
)
def test_people_are_as_different_as_their_folders(folders: list[str]) -> None:
    for rule in (name_by_folder("/photos/"), name_by_pattern("/photos/", "{person}/*.jpg")):
        names, ids = [], []
        for folder in folders:
            name = rule(f"/photos/{folder}/1.jpg")
            assert name
            try:
                names.append(checked_user_name(name))
            except InvalidInputError:
                # such a photo names nobody, and is reported
                continue
            ids.append(derived_user_id(names[-1]))
        assert len(set(ids)) == len(set(names)) == len(names)


@given(FOLDERS)
def test_an_id_that_repeats_the_path_is_no_name_whatever_the_path_is(folder: str) -> None:
    path = f"{folder}/1.jpg"
    source = storable_source(f"/photos/{path}")
    assert is_derived(derived_external_image_id(path), address_of_source(source))


@given(FOLDERS, FOLDERS)
def test_remembered_addresses_are_read_back_unchanged(folder: str, other: str) -> None:
    assert unescaped(escaped(folder)) == folder
    assert (escaped(folder) == escaped(other)) == (folder == other)


@given(st.text(st.sampled_from("aé/ "), min_size=250, max_size=600))
def test_the_id_of_a_long_name_is_that_of_no_other_name(path: str) -> None:
    path = f"x{path.strip('/')}"
    for derive, maximum in (
        (derived_external_image_id, MAX_NAME_LENGTH),
        (derived_user_id, MAX_USER_ID_LENGTH),
    ):
        own = derive(path)
        assert len(own) <= maximum
        # a file that is called like the id
        assert derive(own.replace(":", "/")) != own or path == own.replace(":", "/")
