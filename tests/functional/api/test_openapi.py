"""The OpenAPI document against the server: what it says is what is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.types import ASGIApp

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.access import OpenGuard
from facerec.storage.objects import AccessPolicy, Objects
from facerec.storage.sqlite import SqliteStore
from tests.support.gallery import Collaborators


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ASGIApp]:
    folder: Path = tmp_path_factory.mktemp("openapi")
    with SqliteStore(folder / "facerec.db") as store:
        photos = Objects(AccessPolicy({"photos": folder}, buckets=set()))
        gallery = Collaborators(store, store, photos=photos).gallery()
        yield create_app(gallery, AppSettings(OpenGuard()))


def test_every_response_is_documented_and_none_is_a_server_error(app: ASGIApp) -> None:
    document = schemathesis.openapi.from_asgi("/openapi.json", app)
    operations = [found.ok() for found in document.get_all_operations()]
    assert len(operations) == 25
    for operation in operations:
        for mode in schemathesis.GenerationMode:
            strategy = operation.as_strategy(generation_mode=mode)

            @settings(
                max_examples=10,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            )
            @given(case=strategy)
            def check(case: schemathesis.Case) -> None:
                # no schema can say what makes bytes a photo
                case.call_and_validate(excluded_checks=[positive_data_acceptance])

            # a request without parameters has no wrong ones
            with suppress(Unsatisfiable):
                check()
