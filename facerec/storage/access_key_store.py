"""The protocol of stores of access keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from facerec.storage.access_keys import AccessKey


class AccessKeyStore(Protocol):
    """A store of access keys with their secrets.

    Each method raises a ``FacerecError``, such as ``StoreUnavailableError``, if the store fails.
    """

    def put_access_key(self, key: AccessKey) -> None:
        """Store a new key."""
        ...

    def get_access_key(self, access_key_id: str) -> AccessKey:
        """Return a key.

        Raises:
            AccessKeyNotFoundError: The key does not exist.
        """
        ...

    def list_access_keys(self) -> list[AccessKey]:
        """Return all keys in the order of their creation."""
        ...

    def delete_access_key(self, access_key_id: str) -> None:
        """Delete a key permanently.

        Raises:
            AccessKeyNotFoundError: The key does not exist.
            StoreUnavailableError: The store failed; or the key is deleted, but other processes are
                reading the log of the embedded store, which still contains it.
        """
        ...
