"""The contract of stores of access keys."""

from __future__ import annotations

import pytest

from facerec.errors import (
    AccessKeyNotFoundError,
)
from facerec.storage.access_key_store import AccessKeyStore
from facerec.storage.access_keys import AccessKey


class AccessKeyStoreContract:
    """Tests of access keys; subclasses provide the fixture ``keys``: an empty store."""

    @pytest.fixture
    def keys(self) -> AccessKeyStore:
        raise NotImplementedError

    def test_a_key_comes_back_as_it_was_put(self, keys: AccessKeyStore) -> None:
        key = access_key("A" * 20, collections=("staff", "guests"), writes=True)
        keys.put_access_key(key)
        assert keys.get_access_key(key.access_key_id) == key

    def test_keys_are_listed_in_the_order_of_their_creation(self, keys: AccessKeyStore) -> None:
        later, earlier = (
            access_key("A" * 20, created_at=2.0),
            access_key("B" * 20, created_at=1.0),
        )
        keys.put_access_key(later)
        keys.put_access_key(earlier)
        assert keys.list_access_keys() == [earlier, later]

    def test_a_deleted_key_is_gone(self, keys: AccessKeyStore) -> None:
        keys.put_access_key(access_key("A" * 20))
        keys.delete_access_key("A" * 20)
        assert keys.list_access_keys() == []
        with pytest.raises(AccessKeyNotFoundError):
            keys.get_access_key("A" * 20)
        with pytest.raises(AccessKeyNotFoundError):
            keys.delete_access_key("A" * 20)

    def test_a_secret_never_shows_in_a_repr(self) -> None:
        assert "s3cr3t" not in repr(access_key("A" * 20))


def access_key(
    access_key_id: str,
    *,
    collections: tuple[str, ...] = (),
    writes: bool = False,
    created_at: float = 1.0,
) -> AccessKey:
    return AccessKey(access_key_id, "s3cr3t" * 6, collections, writes, "for a test", created_at)
