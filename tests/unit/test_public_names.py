"""The public Python API: which names there are, and that importing them costs nothing early."""

from __future__ import annotations

import collections.abc
import inspect
import re
import subprocess
import sys

import facerec
from facerec import Gallery, errors, factory, results

OPERATIONS = [
    "all_collections",
    "answer_once",
    "associate_faces",
    "begin_migration",
    "cancel_migration",
    "check_clustering",
    "close",
    "cluster_faces",
    "compare",
    "create_collection",
    "create_user",
    "defaults",
    "delete_collection",
    "delete_faces",
    "delete_user",
    "deleted_imports",
    "describe_cluster",
    "describe_collection",
    "describe_user",
    "detect",
    "disassociate_faces",
    "display_names",
    "enrol_people",
    "erase",
    "erased_people",
    "estimates_attributes",
    "expire",
    "export",
    "export_collection",
    "find",
    "find_deletable",
    "finish_migration",
    "get_erasure",
    "get_retention",
    "get_tags",
    "ignore_cluster",
    "import_collection",
    "import_embeddings",
    "import_faces",
    "index",
    "is_corrected",
    "is_name_of_face",
    "lift_correction",
    "list_clusters",
    "list_collections",
    "list_corrections",
    "list_erasures",
    "list_events",
    "list_expired",
    "list_faces",
    "list_history",
    "list_users",
    "merge_users",
    "migrate",
    "migration_status",
    "model_version",
    "name_cluster",
    "not_a_face",
    "not_same",
    "not_same_cluster",
    "person_being_erased",
    "prepare_migration",
    "prepare_range",
    "refresh_stats",
    "register_user",
    "remove_tags",
    "rename_user",
    "requested_by",
    "resolve_user",
    "restore_if_lost",
    "resume_erasure",
    "resume_erasures",
    "resume_migrations",
    "retry_events",
    "roll_back_migration",
    "sample_faces",
    "search",
    "search_face",
    "search_users_by_face",
    "search_users_by_photo",
    "search_users_by_user",
    "select",
    "set_retention",
    "set_tags",
    "set_threshold",
    "split_user",
    "sweep",
    "switch_version",
    "thumbnail",
    "undo",
    "unregister_user",
]


def test_the_exported_names_are_these() -> None:
    assert facerec.__all__ == [
        "Decision",
        "FaceOptions",
        "Gallery",
        "PhotoLocation",
        "QualityFilter",
        "errors",
        "open_gallery",
    ]
    assert all(getattr(facerec, name) is not None for name in facerec.__all__)
    assert set(facerec.__all__) <= set(dir(facerec))


def test_the_operations_of_a_gallery_are_these() -> None:
    assert [name for name in dir(Gallery) if not name.startswith("_")] == OPERATIONS


def test_every_operation_is_documented() -> None:
    for name in OPERATIONS:
        assert inspect.getdoc(getattr(Gallery, name)), name


def test_the_docstring_of_a_gallery_lists_every_operation_under_its_module() -> None:
    groups = re.findall(r"^    - ``([\w.]+)``(.*?)[;.]$", Gallery.__doc__ or "", re.M | re.S)
    listed = {
        name: f"facerec.gallery.{module}"
        for module, names in groups
        for name in re.findall(r"``(\w+)``", names)
    }
    defined = {
        name: each.__module__
        for each in Gallery.__mro__
        for name in vars(each)
        if name in OPERATIONS
    }
    assert listed == {name: defined[name] for name in set(OPERATIONS) - {"answer_once", "close"}}


def test_the_docstring_of_the_factory_says_who_uses_each_function() -> None:
    documented = set(re.findall(r"``(\w+)``", factory.__doc__ or ""))
    modules = {"deployed", "deployed_jobs", "deployed_stores", "engines", "local", "maintenance"}
    assert documented - modules == set(factory.__all__)


def test_the_type_of_every_result_is_public() -> None:
    returned = [
        str(getattr(method, "fget", method).__annotations__.get("return"))
        for method in (getattr(Gallery, name) for name in OPERATIONS)
    ]
    missing, seen = set(), set()
    while returned:
        for name in set(re.findall(r"\b[A-Z]\w+", returned.pop())) - seen:
            seen.add(name)
            public = getattr(results, name, getattr(facerec, name, None))
            if public is not None:
                returned += map(str, inspect.get_annotations(public).values())
            elif not hasattr(collections.abc, name):
                missing.add(name)
    assert missing <= {"AbstractContextManager", "Any", "NDArray", "None"}


def test_the_type_of_every_argument_is_public() -> None:
    private = set()
    for name in OPERATIONS:
        method = getattr(Gallery, name)
        for argument, annotation in inspect.get_annotations(
            getattr(method, "fget", method)
        ).items():
            if argument == "return":
                continue
            for named in re.findall(r"\b[A-Z]\w+", str(annotation)):
                public = any(hasattr(module, named) for module in (results, facerec, errors))
                if not public and not hasattr(collections.abc, named):
                    private.add((name, argument, named))
    known = {"AbstractSet", "Any", "None", "Path"}
    assert {named for _, _, named in private} <= known, private


def test_importing_the_package_imports_no_numpy() -> None:
    program = "import facerec, sys; assert 'numpy' not in sys.modules, sorted(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
