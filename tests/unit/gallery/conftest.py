from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.parts import FakeService


@pytest.fixture
def service(tmp_path: Path) -> Iterator[FakeService]:
    service = FakeService.in_folder(tmp_path)
    yield service
    service.store.close()
