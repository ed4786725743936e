"""Pickles of face_recognition: the usual layouts are read, and hostile files run nothing."""

from __future__ import annotations

import pickle
import pickletools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facerec.errors import InvalidInputError
from facerec.gallery.gallery import Gallery
from facerec.imports.pickles import read_face_recognition
from facerec.testing.engine import fake_embedding
from tests.support.gallery import Collaborators

ANN, BOB = (fake_embedding(name).astype(np.float64) for name in ("ann", "bob"))

LAYOUTS: dict[str, object] = {
    "a dict of encodings and names": {"encodings": [ANN, BOB], "names": ["ann", "bob"]},
    "a dict of people": {"ann": ANN, "bob": BOB},
    "a dict of people with several encodings": {"ann": [ANN], "bob": [BOB]},
    "two lists": ([ANN, BOB], ["ann", "bob"]),
    "two lists, names first": [["ann", "bob"], [ANN, BOB]],
    "pairs": [("ann", ANN), ("bob", BOB)],
    "lists of floats": {"encodings": [ANN.tolist(), BOB.tolist()], "names": ["ann", "bob"]},
    "one array": {"encodings": np.stack([ANN, BOB]), "names": ["ann", "bob"]},
    "by column": {"encodings": np.asfortranarray([ANN, BOB]), "names": ["ann", "bob"]},
    "big-endian": {"ann": ANN.astype(">f8"), "bob": BOB.astype(">f4")},
}


class Hostile:
    """Unpickling it calls a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:  # noqa: ANN401 - as in pickle
        return self.call


def written(folder: Path, content: bytes) -> Path:
    path = folder / "encodings.pickle"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_usual_layouts_are_read(tmp_path: Path, layout: str, protocol: int) -> None:
    found = read_face_recognition(
        written(tmp_path, pickle.dumps(LAYOUTS[layout], protocol=protocol))
    )
    assert [face.name for face in found] == ["ann", "bob"]
    for face, expected in zip(found, (ANN, BOB), strict=True):
        np.testing.assert_allclose(face.embedding, expected, rtol=1e-6)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_hostile_pickle_runs_nothing(tmp_path: Path, protocol: int) -> None:
    victim = tmp_path / "victim"
    for hostile in (Hostile(Path.touch, victim), Hostile(eval, f"open({str(victim)!r}, 'w')")):
        content = pickle.dumps({"names": ["ann"], "encodings": [hostile]}, protocol=protocol)
        with pytest.raises(InvalidInputError, match="is refused: it contains") as refusal:
            read_face_recognition(written(tmp_path, content))
        assert "\n" not in str(refusal.value)
    assert not victim.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(i__builtin__\neval\n(S'1'\n.",
        b"\x80\x02Ptoken\n.",
        b"\x80\x04r\xff\xff\xff\xff.",
        b"cnumpy\ndtype\n(S'O8'\ntR.",
        b"cnumpy\nload\n(S'file'\ntR.",
        b"cnumpy._core.multiarray\n_reconstruct\n.",
        b"no pickle",
        b"",
        pickle.dumps({"ann": ANN})[:-20],
        pickle.dumps({"ann": ANN[:64]}),
        pickle.dumps({"ann": "text"}),
        pickle.dumps({"names": ["ann"], "encodings": [ANN, BOB]}),
        pickle.dumps({}),
        pickle.dumps(7),
    ],
)
def test_what_is_no_pickle_of_descriptors_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidInputError):
        read_face_recognition(written(tmp_path, content))


OPCODES = [opcode.code.encode("latin-1") for opcode in pickletools.opcodes]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(st.one_of(st.sampled_from(OPCODES), st.binary(max_size=8)), max_size=20))
def test_whatever_is_in_a_file_is_an_answer_of_one_line(tmp_path: Path, parts: list[bytes]) -> None:
    with pytest.raises(InvalidInputError):
        read_face_recognition(written(tmp_path, b"".join(parts) + b"."))


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    gallery = Collaborators.in_folder(tmp_path).gallery()
    gallery.create_collection("staff")
    return gallery


def test_imported_people_are_found_by_their_names(gallery: Gallery, tmp_path: Path) -> None:
    document = {"Ann Smith": ANN, "Böb": BOB}
    named = read_face_recognition(written(tmp_path, pickle.dumps(document)))
    imported = gallery.import_embeddings("staff", named)
    assert gallery.import_embeddings("staff", named) == imported
    listed = [face.record.external_image_id for face in gallery.list_faces("staff").faces]
    assert sorted(filter(None, listed)) == ["Ann.x20Smith", "B.xC3.xB6b"]
    assert all(face.record.stats for face in gallery.list_faces("staff").faces)


def test_descriptors_of_another_network_are_refused(gallery: Gallery, tmp_path: Path) -> None:
    unit = ANN / np.linalg.norm(ANN)
    named = read_face_recognition(written(tmp_path, pickle.dumps({"ann": unit})))
    with pytest.raises(InvalidInputError, match="not computed by dlib's"):
        gallery.import_embeddings("staff", named)
    assert gallery.list_faces("staff").faces == ()


@pytest.mark.parametrize("name", ["", " ", "\ud800", "ann\udfff"])
def test_a_name_that_nobody_can_have_is_refused(tmp_path: Path, name: str) -> None:
    content = pickle.dumps({"bob": fake_embedding("bob"), name: fake_embedding("ann")})
    with pytest.raises(InvalidInputError, match="empty or not valid Unicode") as raised:
        read_face_recognition(written(tmp_path, content))
    assert str(raised.value).isascii()


def test_encodings_that_are_no_list_are_refused(tmp_path: Path) -> None:
    document = {"encodings": 5, "names": ["ann"]}
    with pytest.raises(InvalidInputError, match="unknown layout"):
        read_face_recognition(written(tmp_path, pickle.dumps(document)))


OF_PROGRAMS: dict[str, object] = {
    "an array of encodings for a name": {"ann": np.stack([ANN, BOB])},
    "a tuple of encodings for a name": {"ann": (ANN, BOB)},
    "a list of encodings for a name": {"ann": [ANN.tolist(), BOB.tolist()]},
    "arrays of both": {"encodings": np.stack([ANN, BOB]), "names": np.array(["ann", "ann"])},
    "an array of objects": {"encodings": [ANN, BOB], "names": np.array(["ann"] * 2, dtype=object)},
    "names of numpy": {"encodings": [ANN, BOB], "names": [np.str_("ann")] * 2},
    "the names of the library": {
        "known_face_encodings": [ANN, BOB],
        "known_face_names": ["ann", "ann"],
    },
    "a pair of arrays": (np.stack([ANN, BOB]), np.array(["ann", "ann"])),
    "tuples": [("ann", ANN), ("ann", BOB)],
    "two lists that are pairs": [["ann", ANN], ["ann", BOB]],
    "pairs with several encodings": [("ann", [ANN, BOB])],
    "a list of dicts": [{"name": "ann", "encoding": ANN}, {"name": "ann", "encoding": BOB}],
    "a dict of dicts": {"ann": {"encodings": [ANN, BOB]}},
    "a defaultdict": defaultdict(list, {"ann": [ANN, BOB]}),
    "a defaultdict without a default": defaultdict(None, {"ann": [ANN, BOB]}),
    "an OrderedDict": OrderedDict([("ann", [ANN, BOB])]),
    "people without encodings": {"bob": [], "ann": [ANN, BOB], "cyd": np.array([])},
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("layout", OF_PROGRAMS)
def test_the_layouts_of_programs_are_read_in_every_protocol(
    tmp_path: Path, layout: str, protocol: int
) -> None:
    content = pickle.dumps(OF_PROGRAMS[layout], protocol=protocol)
    found = read_face_recognition(written(tmp_path, content))
    assert [face.name for face in found] == ["ann", "ann"]
    for face, expected in zip(found, (ANN, BOB), strict=True):
        assert face.embedding == pytest.approx(expected)


def test_an_ordered_dict_of_python_2_is_read(tmp_path: Path) -> None:
    pairs = [["ann", ANN], ["bob", BOB]]
    content = pickle.dumps(Hostile(OrderedDict, pairs), protocol=2)
    found = read_face_recognition(written(tmp_path, content))
    assert [face.name for face in found] == ["ann", "bob"]


def test_a_file_of_people_without_encodings_contains_no_face(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="contains no face"):
        read_face_recognition(written(tmp_path, pickle.dumps({"ann": [], "bob": ()})))


def test_huge_numbers_are_refused_without_a_warning(gallery: Gallery, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        named = read_face_recognition(written(tmp_path, pickle.dumps({"ann": 1e40 * ANN})))
    with pytest.raises(InvalidInputError):
        gallery.import_embeddings("staff", named)


def test_arrays_of_other_types_are_refused(tmp_path: Path) -> None:
    for names in (np.array([b"ann"]), np.array([None]), np.array([1 + 2j])):
        document = {"encodings": [ANN], "names": names}
        with pytest.raises(InvalidInputError):
            read_face_recognition(written(tmp_path, pickle.dumps(document)))
