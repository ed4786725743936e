"""Collections, users, tags and answered requests in one DynamoDB table.

Every item has a partition key ``pk`` and a sort key ``sk``, both text:

| what | pk | sk |
| --- | --- | --- |
| a collection, with its tags | ``collections`` | the collection's id |
| a user, with its faces | ``users#`` and the collection's id | the user's id |
| a face's user | ``faces#`` and the collection's id | the face's id |
| the people that a face does not show | ``corrections#`` and the collection's id | the face's id |
| the faces that do not show a person | ``corrected#`` and the collection's id | the person |
| an answered request | ``requests`` | the token |

The table's time to live, if it has one, is by the attribute ``ttl``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any

from typing_extensions import override

from facerec.core.aws_errors import aws_errors
from facerec.core.aws_region import aws_region
from facerec.core.protocols import RecordStore
from facerec.core.records import AnsweredRequest, Collection, Correction, User
from facerec.errors import (
    CollectionExistsError,
    CollectionNotFoundError,
    ConflictError,
    QuotaExceededError,
    StoreUnavailableError,
    UserExistsError,
    UserNotFoundError,
)
from facerec.storage.dynamodb.items import (
    COLLECTIONS,
    REQUESTS,
    association_key,
    collection_item,
    collection_key,
    face_corrections_key,
    key,
    numbers,
    person_corrections_key,
    request_key,
    to_collection,
    to_corrections,
    to_user,
    user_item,
    user_key,
)

GOT_AT_ONCE = 100
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""

CHANGED_AT_ONCE = 99
"""Faces per transaction; with the user, 100 items in total:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""

TRIES = 8
"""Attempts to change tags that other callers change concurrently."""


def open_dynamodb_store(table: str, region: str | None = None) -> DynamoDBStore:
    """Open the records in a table with the credentials of the environment."""
    import boto3
    from botocore.config import Config

    config = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=32)
    return DynamoDBStore(
        boto3.client("dynamodb", region_name=aws_region(region), config=config), table
    )


class DynamoDBStore(RecordStore):
    """A ``RecordStore``; threads may share it.

    All reads are consistent.
    """

    def __init__(self, client: Any, table: str) -> None:  # noqa: ANN401 - boto3 has no types
        self._client = client
        self._table = table

    @override
    def create_collection(self, collection: Collection) -> None:
        with self._condition_is(CollectionExistsError(collection.collection_id)):
            self._client.put_item(
                TableName=self._table,
                Item=collection_item(collection),
                ConditionExpression="attribute_not_exists(pk)",
            )

    @override
    def get_collection(self, collection_id: str) -> Collection:
        return to_collection(self._collection(collection_id))

    @override
    def list_collections(self, *, after: str | None = None, limit: int = 1000) -> list[Collection]:
        return [to_collection(item) for item in self._items(COLLECTIONS, after, limit)]

    @override
    def delete_collection(self, collection_id: str) -> None:
        with self._condition_is(CollectionNotFoundError(collection_id)):
            self._client.delete_item(
                TableName=self._table,
                Key=collection_key(collection_id),
                ConditionExpression="attribute_exists(pk)",
            )
        self.forget_answers([item["sk"]["S"] for item in self._partition(f"users#{collection_id}")])
        self._delete_partition(f"users#{collection_id}")
        self._delete_partition(f"faces#{collection_id}")
        self._delete_partition(f"corrections#{collection_id}")
        self._delete_partition(f"corrected#{collection_id}")

    @override
    def set_threshold(self, collection_id: str, threshold: float | None) -> None:
        change: dict[str, Any] = {"UpdateExpression": "REMOVE threshold"}
        if threshold is not None:
            change = {
                "UpdateExpression": "SET threshold = :threshold",
                "ExpressionAttributeValues": numbers({":threshold": threshold}),
            }
        with self._condition_is(CollectionNotFoundError(collection_id)):
            self._client.update_item(
                TableName=self._table,
                Key=collection_key(collection_id),
                ConditionExpression="attribute_exists(pk)",
                **change,
            )

    @override
    def create_user(self, collection_id: str, user: User) -> None:
        outcomes = self._transact(
            [
                {
                    "ConditionCheck": {
                        "TableName": self._table,
                        "Key": collection_key(collection_id),
                        "ConditionExpression": "attribute_exists(pk)",
                    }
                },
                {
                    "Put": {
                        "TableName": self._table,
                        "Item": user_item(collection_id, user),
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                },
            ]
        )
        if outcomes is not None:
            if outcomes[0]:
                raise CollectionNotFoundError(collection_id)
            raise UserExistsError(user.user_id)

    @override
    def get_user(self, collection_id: str, user_id: str) -> User:
        item = self._get(user_key(collection_id, user_id))
        if item is None:
            raise UserNotFoundError(user_id)
        return to_user(item)

    @override
    def get_users(self, collection_id: str, user_ids: Sequence[str]) -> list[User]:
        keys = [user_key(collection_id, user_id) for user_id in dict.fromkeys(user_ids)]
        users = {
            item["sk"]["S"]: to_user(item)
            for start in range(0, len(keys), GOT_AT_ONCE)
            for item in self._batch_get(keys[start : start + GOT_AT_ONCE])
        }
        return [users[user_id] for user_id in user_ids if user_id in users]

    @override
    def list_users(
        self, collection_id: str, *, after: str | None = None, limit: int = 1000
    ) -> list[User]:
        return [to_user(item) for item in self._items(f"users#{collection_id}", after, limit)]

    @override
    def count_users(self, collection_id: str) -> int:
        with self._errors():
            pages = self._client.get_paginator("query").paginate(
                TableName=self._table,
                Select="COUNT",
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": f"users#{collection_id}"}},
                ConsistentRead=True,
            )
            return sum(page["Count"] for page in pages)

    @override
    def delete_user(self, collection_id: str, user_id: str) -> None:
        with self._condition_is(UserNotFoundError(user_id)):
            answer = self._client.delete_item(
                TableName=self._table,
                Key=user_key(collection_id, user_id),
                ConditionExpression="attribute_exists(pk)",
                ReturnValues="ALL_OLD",
            )
        user = to_user(answer["Attributes"])
        self._delete([association_key(collection_id, face_id) for face_id in user.face_ids])
        self.forget_answers([user_id])

    @override
    def change_user(
        self,
        collection_id: str,
        user_id: str,
        *,
        version: int,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
    ) -> User:
        """Change a user; more than 99 faces take two transactions, which can fail halfway."""
        user = self.get_user(collection_id, user_id)
        changes = [*((face_id, False) for face_id in remove), *((face_id, True) for face_id in add)]
        # The user is written even if nothing changes, so that its version grows.
        for start in range(0, max(1, len(changes)), CHANGED_AT_ONCE):
            part = changes[start : start + CHANGED_AT_ONCE]
            user = self._change_user(collection_id, user, version, part)
            version = user.version
        return user

    @override
    def mark_vector(self, collection_id: str, user_id: str, version: int) -> bool:
        passed = ConflictError("stale version")
        try:
            with self._condition_is(passed):
                self._client.update_item(
                    TableName=self._table,
                    Key=user_key(collection_id, user_id),
                    UpdateExpression="SET vector_version = :version",
                    ConditionExpression="#version = :version",
                    ExpressionAttributeNames={"#version": "version"},
                    ExpressionAttributeValues=numbers({":version": version}),
                )
        except ConflictError:
            return False
        return True

    @override
    def users_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> dict[str, str]:
        owners = {}
        asked = list(dict.fromkeys(face_ids))
        for start in range(0, len(asked), GOT_AT_ONCE):
            keys = [
                association_key(collection_id, face_id)
                for face_id in asked[start : start + GOT_AT_ONCE]
            ]
            for item in self._batch_get(keys):
                owners[item["sk"]["S"]] = item["user_id"]["S"]
        return owners

    @override
    def add_correction(self, collection_id: str, correction: Correction) -> None:
        exists = {
            "TableName": self._table,
            "Key": collection_key(collection_id),
            "ConditionExpression": "attribute_exists(pk)",
        }
        changes = self._correction_changes(collection_id, correction, "ADD")
        if self._transact([{"ConditionCheck": exists}, *changes]) is not None:
            raise CollectionNotFoundError(collection_id)

    @override
    def remove_corrections(self, collection_id: str, corrected: Sequence[Correction]) -> int:
        removed = 0
        for correction in corrected:
            changes = self._correction_changes(collection_id, correction, "DELETE")
            removed += self._transact(changes) is None
            # an item whose last value was removed is still there, with a face's or person's name
            for change in changes:
                with suppress(ConflictError), self._condition_is(ConflictError("in use")):
                    self._client.delete_item(
                        TableName=self._table,
                        Key=change["Update"]["Key"],
                        ConditionExpression="attribute_not_exists(people) "
                        "AND attribute_not_exists(faces)",
                    )
        return removed

    def _correction_changes(
        self, collection_id: str, correction: Correction, action: str
    ) -> list[dict[str, Any]]:
        """Return the changes of both items of a correction: ADD or DELETE of a value of a set."""
        changes = []
        for place, name, value in (
            (face_corrections_key(collection_id, correction.face_id), "people", correction.person),
            (person_corrections_key(collection_id, correction.person), "faces", correction.face_id),
        ):
            change: dict[str, Any] = {
                "TableName": self._table,
                "Key": place,
                "UpdateExpression": f"{action} {name} :values",
                "ExpressionAttributeValues": {":values": {"SS": [value]}},
            }
            if action == "DELETE":
                change["ConditionExpression"] = f"contains({name}, :value)"
                change["ExpressionAttributeValues"][":value"] = {"S": value}
            changes.append({"Update": change})
        return changes

    @override
    def corrections_of_faces(self, collection_id: str, face_ids: Sequence[str]) -> list[Correction]:
        return self._corrections(face_corrections_key(collection_id, each) for each in face_ids)

    @override
    def corrections_of_people(self, collection_id: str, people: Sequence[str]) -> list[Correction]:
        return self._corrections(person_corrections_key(collection_id, each) for each in people)

    @override
    def list_corrections(
        self, collection_id: str, *, after: Correction | None = None, limit: int = 1000
    ) -> list[Correction]:
        started = [] if after is None else self.corrections_of_faces(collection_id, [after.face_id])
        found = [each for each in started if after is not None and each > after]
        last = None if after is None else after.face_id
        items = self._items(f"corrections#{collection_id}", last, limit)
        found += [each for item in items for each in sorted(to_corrections(item))]
        return found[:limit]

    def _corrections(self, keys: Iterable[dict[str, Any]]) -> list[Correction]:
        unique = list({place["sk"]["S"]: place for place in keys}.values())
        return sorted(
            correction
            for start in range(0, len(unique), GOT_AT_ONCE)
            for item in self._batch_get(unique[start : start + GOT_AT_ONCE])
            for correction in to_corrections(item)
        )

    @override
    def get_tags(self, collection_id: str) -> dict[str, str]:
        return _tags(self._collection(collection_id))

    @override
    def change_tags(
        self,
        collection_id: str,
        *,
        put: Mapping[str, str] | None = None,
        remove: Sequence[str] = (),
        limit: int = 200,
    ) -> None:
        for _ in range(TRIES):
            item = self._collection(collection_id)
            kept = {name: value for name, value in _tags(item).items() if name not in set(remove)}
            tags = kept | dict(put or {})
            if len(tags) > limit:
                raise QuotaExceededError(f"a collection has at most {limit} tags")
            before = item.get("tags", {"S": "{}"})
            try:
                with self._condition_is(ConflictError("the tags were changed concurrently")):
                    self._client.update_item(
                        TableName=self._table,
                        Key=collection_key(collection_id),
                        UpdateExpression="SET tags = :tags",
                        ConditionExpression="tags = :before",
                        ExpressionAttributeValues={
                            ":tags": {"S": json.dumps(tags)},
                            ":before": before,
                        },
                    )
            except ConflictError:
                continue
            return
        raise ConflictError("too many concurrent changes of the tags", "try again")

    @override
    def find_request(self, token: str, now: float) -> AnsweredRequest | None:
        item = self._get(request_key(token))
        if item is None or float(item["expires_at"]["N"]) <= now:
            return None
        return AnsweredRequest(
            item["digest"]["S"], item["answer"]["S"], float(item["expires_at"]["N"])
        )

    @override
    def keep_request(self, token: str, request: AnsweredRequest, now: float) -> None:
        kept = ConflictError("the token has an answer")
        try:
            with self._condition_is(kept):
                self._client.put_item(
                    TableName=self._table,
                    Item={
                        **request_key(token),
                        "digest": {"S": request.digest},
                        "answer": {"S": request.answer},
                        **numbers({"expires_at": request.expires_at}),
                        # DynamoDB deletes expired items by whole seconds.
                        "ttl": {"N": str(math.ceil(request.expires_at))},
                    },
                    ConditionExpression="attribute_not_exists(pk) OR expires_at <= :now",
                    ExpressionAttributeValues=numbers({":now": now}),
                )
        except ConflictError:
            return

    @override
    def forget_answers(self, ids: Sequence[str]) -> int:
        named = [json.dumps(each) for each in ids]
        forgotten = [
            request_key(item["sk"]["S"])
            for item in (self._partition(REQUESTS) if named else ())
            if any(text in item["answer"]["S"] for text in named)
        ]
        self._delete(forgotten)
        return len(forgotten)

    def _change_user(
        self,
        collection_id: str,
        user: User,
        version: int,
        changes: Sequence[tuple[str, bool]],
    ) -> User:
        """Write a batch of a change in one transaction."""
        removed = {face_id for face_id, added in changes if not added}
        face_ids = (
            *(face_id for face_id in user.face_ids if face_id not in removed),
            *(face_id for face_id, added in changes if added),
        )
        changed = User(user.user_id, user.created_at, face_ids, version + 1, user.vector_version)
        actions: list[dict[str, Any]] = [
            {
                "Update": {
                    "TableName": self._table,
                    "Key": user_key(collection_id, user.user_id),
                    "UpdateExpression": "SET face_ids = :face_ids, #version = :new",
                    "ConditionExpression": "#version = :version",
                    "ExpressionAttributeNames": {"#version": "version"},
                    "ExpressionAttributeValues": {
                        ":face_ids": {"L": [{"S": face_id} for face_id in face_ids]},
                        **numbers({":version": version, ":new": changed.version}),
                    },
                }
            }
        ]
        for face_id, added in changes:
            place = association_key(collection_id, face_id)
            owner = {"S": user.user_id}
            if added:
                action = {
                    "Put": {
                        "TableName": self._table,
                        "Item": {**place, "user_id": owner},
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                }
            else:
                action = {
                    "Delete": {
                        "TableName": self._table,
                        "Key": place,
                        "ConditionExpression": "attribute_not_exists(pk) OR user_id = :owner",
                        "ExpressionAttributeValues": {":owner": owner},
                    }
                }
            actions.append(action)
        if self._transact(actions) is not None:
            # The user does not exist, or its version is stale.
            self.get_user(collection_id, user.user_id)
            raise ConflictError(
                f"user {user.user_id!r} or a face of it was changed concurrently", "try again"
            )
        return changed

    def _collection(self, collection_id: str) -> dict[str, Any]:
        item = self._get(collection_key(collection_id))
        if item is None:
            raise CollectionNotFoundError(collection_id)
        return item

    def _get(self, place: dict[str, Any]) -> dict[str, Any] | None:
        with self._errors():
            answer = self._client.get_item(TableName=self._table, Key=place, ConsistentRead=True)
        item: dict[str, Any] | None = answer.get("Item")
        return item

    def _batch_get(self, keys: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        wanted: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
        while wanted:
            with self._errors():
                answer = self._client.batch_get_item(RequestItems=wanted)
            yield from answer["Responses"].get(self._table, [])
            wanted = answer.get("UnprocessedKeys")

    def _items(self, partition: str, after: str | None, limit: int) -> list[dict[str, Any]]:
        """Return items of a partition ordered by sort key, starting after a key."""
        condition, values = "pk = :pk", {":pk": {"S": partition}}
        if after is not None:
            condition += " AND sk > :after"
            values[":after"] = {"S": after}
        items: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while len(items) < limit:
            with self._errors():
                page = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    Limit=limit - len(items),
                    ConsistentRead=True,
                    **start,
                )
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        return items

    def _partition(self, partition: str) -> Iterator[dict[str, Any]]:
        """Yield all items of a partition."""
        after = None
        while items := self._items(partition, after, GOT_AT_ONCE):
            yield from items
            after = items[-1]["sk"]["S"]

    def _delete_partition(self, partition: str) -> None:
        while items := self._items(partition, None, 1000):
            self._delete([key(item["pk"]["S"], item["sk"]["S"]) for item in items])

    def _delete(self, keys: Sequence[dict[str, Any]]) -> None:
        # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
        for start in range(0, len(keys), 25):
            requests = [{"DeleteRequest": {"Key": place}} for place in keys[start : start + 25]]
            left: Any = {self._table: requests}
            while left:
                with self._errors():
                    left = self._client.batch_write_item(RequestItems=left).get("UnprocessedItems")

    def _transact(self, actions: Sequence[dict[str, Any]]) -> list[bool] | None:
        """Write in one transaction; return the conditions that were not met, if it is refused.

        Raises:
            ConflictError: other transactions touch the same items all the time.
        """
        for _ in range(TRIES):
            with self._errors():
                try:
                    self._client.transact_write_items(TransactItems=actions)
                except self._client.exceptions.TransactionCanceledException as error:
                    codes = [reason.get("Code") for reason in error.response["CancellationReasons"]]
                    unmet = [code == "ConditionalCheckFailed" for code in codes]
                    if any(unmet):
                        return unmet
                    if "TransactionConflict" not in codes:
                        raise
                else:
                    return None
        raise ConflictError("too many concurrent changes", "try again")

    @contextmanager
    def _condition_is(self, unmet: Exception) -> Iterator[None]:
        """Raise an error if the condition of a write is not met."""
        with self._errors():
            try:
                yield
            except self._client.exceptions.ConditionalCheckFailedException as error:
                raise unmet from error

    def _errors(self) -> AbstractContextManager[None]:
        table = f"the table {self._table}"
        missing = StoreUnavailableError(f"{table} does not exist")
        return aws_errors("DynamoDB", table, missing=missing)


def _tags(item: Mapping[str, Any]) -> dict[str, str]:
    tags: dict[str, str] = json.loads(item["tags"]["S"])
    return dict(sorted(tags.items()))
