"""What runs is built in one place, ``facerec/factory``: galleries, jobs, stores, maintenance."""

from __future__ import annotations

import ast
from pathlib import Path

import facerec

ROOT = Path(facerec.__file__).parents[1]

BUILT_IN_FACTORY = {
    "AwsJobs",
    "CheckedStores",
    "ChildDependencies",
    "Erasures",
    "FaceStore",
    "Gallery",
    "Inspector",
    "LocalJobs",
    "LocalRuns",
    "SqliteStore",
    "open_dynamodb_store",
    "open_pinecone_imports",
    "open_pinecone_vectors",
    "open_s3_vectors",
    "rebuild_collection",
}


def test_nothing_but_the_factory_builds_galleries_job_services_and_stores() -> None:
    built = {
        f"{path.relative_to(ROOT)}: {name}"
        for folder in ("facerec", "lambdas", "batch_job")
        for path in (ROOT / folder).rglob("*.py")
        if ROOT / "facerec" / "factory" not in path.parents
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        if (name := ast.unparse(node.func).rpartition(".")[2]) in BUILT_IN_FACTORY
        # a store returns itself under other names of namespaces
        if not (name == "FaceStore" and ROOT / "facerec" / "storage" in path.parents)
    }
    assert not built
