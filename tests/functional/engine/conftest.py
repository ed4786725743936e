from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Convert the networks for these tests, so that no older cache decides their result."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACEREC_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
