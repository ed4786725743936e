"""Who may do what: signatures, tokens, and pages of other sites."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import boto3
import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from facerec.api.app import AppSettings, create_app
from facerec.api.auth.local import LoopbackGuard, TokenGuard
from facerec.api.auth.sigv4 import SignatureGuard
from facerec.errors import FacerecError, StoreDamagedError, StoreUnavailableError
from facerec.gallery.paging import read_page_token
from facerec.storage.access_keys import AccessKey, new_access_key
from facerec.testing.engine import fake_face, fake_photo
from tests.support.api import Api, Switchboard, rekognition_client

TOKEN = "a-long-random-text"


@dataclass
class Guarded:
    """A server that demands a token or a signature."""

    address: str
    api: Api
    issue: Callable[..., AccessKey]

    def client(self, key: AccessKey) -> BaseClient:
        return rekognition_client(self.address, key.access_key_id, key.secret)


@pytest.fixture
def guarded(api: Api, switchboard: tuple[Switchboard, str]) -> Iterator[Guarded]:
    board, address = switchboard
    store = api.collaborators.records
    guard = TokenGuard(TOKEN, SignatureGuard(store.get_access_key, time.time))
    board.app = create_app(api.collaborators.gallery(), AppSettings(guard))

    def issue(*collections: str, writes: bool = True) -> AccessKey:
        key = new_access_key(collections, writes=writes, note="")
        store.put_access_key(key)
        return key

    yield Guarded(address, api, issue)


def code_of(call: Callable[..., object], **request: object) -> str:
    with pytest.raises(ClientError) as raised:
        call(**request)
    return raised.value.response["Error"]["Code"]


def test_a_client_needs_nothing_but_an_endpoint_and_a_key(guarded: Guarded) -> None:
    client = guarded.client(guarded.issue())
    client.create_collection(CollectionId="staff")
    photo = {"Bytes": fake_photo(fake_face("ann"))}
    assert client.index_faces(CollectionId="staff", Image=photo)["FaceRecords"]


def test_a_wrong_secret_is_refused(guarded: Guarded) -> None:
    key = guarded.issue()
    client = rekognition_client(guarded.address, key.access_key_id, key.secret[:-1] + "x")
    assert code_of(client.list_collections) == "InvalidSignatureException"


def test_an_unknown_or_revoked_key_is_refused(guarded: Guarded) -> None:
    key = guarded.issue()
    client = guarded.client(key)
    client.list_collections()
    guarded.api.collaborators.records.delete_access_key(key.access_key_id)
    assert code_of(client.list_collections) == "UnrecognizedClientException"


@pytest.mark.parametrize(
    "error",
    [StoreUnavailableError("the database is locked"), StoreDamagedError("/data/facerec.db")],
)
def test_a_client_may_try_again_if_keys_cannot_be_read(
    api: Api, switchboard: tuple[Switchboard, str], error: FacerecError
) -> None:
    def find_key(key_id: str) -> AccessKey:
        raise error

    board, address = switchboard
    guard = TokenGuard(TOKEN, SignatureGuard(find_key, time.time))
    board.app = create_app(api.collaborators.gallery(), AppSettings(guard))
    key = new_access_key((), writes=True, note="")
    client = rekognition_client(address, key.access_key_id, key.secret)
    with pytest.raises(ClientError) as raised:
        client.list_collections()
    assert raised.value.response["Error"]["Code"] == "InternalServerError"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_an_unsigned_request_is_refused(guarded: Guarded) -> None:
    headers = {"X-Amz-Target": "RekognitionService.ListCollections"}
    answer = httpx.post(guarded.address, content="{}", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["__type"] == "UnrecognizedClientException"


@pytest.mark.parametrize(
    ("seconds", "good"), [(-290, True), (290, True), (-310, False), (310, False)]
)
def test_clocks_may_differ_by_five_minutes(guarded: Guarded, seconds: int, good: bool) -> None:
    key = guarded.issue()
    status = send(guarded, signed(guarded, key, at=time.time() + seconds)).status_code
    assert status == (200 if good else 400)


def test_nothing_of_a_signed_request_can_be_changed(guarded: Guarded) -> None:
    key = guarded.issue()
    assert send(guarded, signed(guarded, key)).status_code == 200
    other_body = signed(guarded, key)
    other_body.data = b'{"MaxResults": 1}'
    other_operation = signed(guarded, key)
    other_operation.headers.replace_header("X-Amz-Target", "RekognitionService.CreateCollection")
    other_host = signed(guarded, key, host="another.example")
    for request in (other_body, other_operation, other_host):
        answer = send(guarded, request)
        assert answer.status_code == 400
        assert answer.json()["__type"] == "InvalidSignatureException"


def test_a_header_that_decides_must_be_signed(guarded: Guarded) -> None:
    key = guarded.issue()
    request = signed(guarded, key, target=None)
    request.headers["X-Amz-Target"] = "RekognitionService.ListCollections"
    assert send(guarded, request).json()["__type"] == "InvalidSignatureException"


def test_a_wrong_body_hash_is_refused(guarded: Guarded) -> None:
    request = signed(guarded, guarded.issue(), extra={"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"})
    assert send(guarded, request).json()["__type"] == "InvalidSignatureException"


def test_clients_can_sign_more_headers_than_boto3(guarded: Guarded) -> None:
    request = signed(guarded, guarded.issue(), extra={"amz-sdk-invocation-id": "x"})
    assert send(guarded, request).status_code == 200


def test_the_signature_is_checked_before_anything_is_parsed(guarded: Guarded) -> None:
    headers = {"X-Amz-Target": "RekognitionService.Nothing"}
    answer = httpx.post(guarded.address, content="{malformed", headers=headers)
    assert answer.json()["__type"] == "UnrecognizedClientException"


@pytest.mark.parametrize(
    "authorization",
    [
        "AWS4-HMAC-SHA256 nonsense",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLEAKIDEXAMPL/20270115/eu-west-1/s3/aws4_request, "
        "SignedHeaders=host, Signature=" + "0" * 64,
        "Bearer wrong",
        "Bearer",
        "Basic YTpi",
        "Bearer \xe4",
    ],
)
def test_authorizations_of_other_kinds_are_refused(guarded: Guarded, authorization: str) -> None:
    headers = {
        b"X-Amz-Target": b"RekognitionService.ListCollections",
        b"Authorization": authorization.encode("latin-1"),
    }
    assert httpx.post(guarded.address, content="{}", headers=headers).status_code == 400


def test_a_key_can_be_read_only(guarded: Guarded) -> None:
    guarded.client(guarded.issue()).create_collection(CollectionId="staff")
    client = guarded.client(guarded.issue(writes=False))
    assert client.describe_collection(CollectionId="staff")["FaceCount"] == 0
    denied = "AccessDeniedException"
    photo = {"Bytes": fake_photo(fake_face("ann"))}
    assert code_of(client.create_collection, CollectionId="b") == denied
    assert code_of(client.index_faces, CollectionId="staff", Image=photo) == denied
    assert client.search_faces_by_image(CollectionId="staff", Image=photo)["FaceMatches"] == []


def test_a_key_can_be_limited_to_some_collections(guarded: Guarded) -> None:
    owner = guarded.client(guarded.issue())
    arns = [
        owner.create_collection(CollectionId=name)["CollectionArn"] for name in ("staff", "guests")
    ]
    client = guarded.client(guarded.issue("staff"))
    assert client.list_collections()["CollectionIds"] == ["staff"]
    client.tag_resource(ResourceArn=arns[0], Tags={"a": "b"})
    denied = "AccessDeniedException"
    assert code_of(client.describe_collection, CollectionId="guests") == denied
    assert code_of(client.delete_collection, CollectionId="guests") == denied
    assert code_of(client.tag_resource, ResourceArn=arns[1], Tags={"a": "b"}) == denied
    assert code_of(client.create_collection, CollectionId="another") == denied


def test_a_token_opens_the_rest_routes(guarded: Guarded) -> None:
    address = f"{guarded.address}/api/v1/collections"
    refused = httpx.get(address)
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"] == "Bearer"
    assert httpx.get(address, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert httpx.get(address, headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_rest_requests_can_be_signed_too(guarded: Guarded) -> None:
    for key, status in ((guarded.issue("staff"), 403), (guarded.issue(), 404)):
        request = AWSRequest(
            "GET", f"{guarded.address}/api/v1/collections/guests/people?name_contains=a%20b&limit=1"
        )
        credentials = Credentials(key.access_key_id, key.secret)
        SigV4Auth(credentials, "execute-api", "eu-west-1").add_auth(request)
        answer = httpx.get(request.url, headers=dict(request.headers))
        assert answer.status_code == status


def test_pages_without_data_need_no_authentication(guarded: Guarded) -> None:
    for path in ("/", "/docs", "/openapi.json"):
        assert httpx.get(guarded.address + path).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "rebound.example:8000"},
        {"Host": ""},
        {"Host": "localhost.evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_other_sites_cannot_use_a_local_server(api: Api, headers: dict[str, str]) -> None:
    target = {"X-Amz-Target": "RekognitionService.ListCollections"}
    assert httpx.get(f"{api.address}/api/v1/collections", headers=headers).status_code == 403
    refused = httpx.post(api.address, content="{}", headers={**headers, **target})
    assert refused.json()["__type"] == "AccessDeniedException"


def test_the_servers_own_page_and_plain_programs_can_use_it(api: Api) -> None:
    address = f"{api.address}/api/v1/collections"
    own = {"Origin": api.address, "Sec-Fetch-Site": "same-origin"}
    assert httpx.get(address, headers=own).status_code == 200
    assert httpx.get(address, headers={"Sec-Fetch-Site": "none"}).status_code == 200
    port = api.address.rpartition(":")[2]
    assert httpx.get(address, headers={"Host": f"localhost:{port}"}).status_code == 200


def test_pages_of_allowed_origins_can_use_it(
    api: Api, switchboard: tuple[Switchboard, str]
) -> None:
    origin = "https://app.example"
    board, address = switchboard
    guard = LoopbackGuard(origins=frozenset({origin}))
    board.app = create_app(api.collaborators.gallery(), AppSettings(guard, origins=(origin,)))
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,authorization",
    }
    preflight = httpx.options(f"{address}/api/v1/collections", headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    answer = httpx.get(f"{address}/api/v1/collections", headers={"Origin": origin})
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    other = {**asked, "Origin": "https://evil.example"}
    refused = httpx.options(f"{address}/api/v1/collections", headers=other)
    assert "Access-Control-Allow-Origin" not in refused.headers


def signed(
    guarded: Guarded,
    key: AccessKey,
    *,
    at: float | None = None,
    target: str | None = "RekognitionService.ListCollections",
    host: str | None = None,
    extra: dict[str, str] | None = None,
) -> AWSRequest:
    """Return a request that is signed with botocore's signer, at a time of the test's choice."""
    own_host = guarded.address.removeprefix("http://")
    headers = {"Content-Type": "application/x-amz-json-1.1", **(extra or {})}
    if target is not None:
        headers["X-Amz-Target"] = target
    request = AWSRequest("POST", f"http://{host or own_host}/", headers=headers, data=b"{}")
    moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
    request.context["timestamp"] = moment
    request.headers["X-Amz-Date"] = moment
    signer = SigV4Auth(Credentials(key.access_key_id, key.secret), "rekognition", "eu-west-1")
    canonical = signer.canonical_request(request)
    signature = signer.signature(signer.string_to_sign(request, canonical), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    request.headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return request


def send(guarded: Guarded, request: AWSRequest) -> httpx.Response:
    return httpx.post(guarded.address, content=request.data, headers=dict(request.headers))


def test_a_client_with_real_credentials_can_sign_for_api_gateway(guarded: Guarded) -> None:
    from facerec.api.client import sign_for_api_gateway

    key = guarded.issue()
    session = boto3.Session(key.access_key_id, key.secret, region_name="eu-west-1")
    sent = []
    client = session.client(
        "rekognition",
        endpoint_url=guarded.address,
        config=Config(retries={"total_max_attempts": 1}),
    )
    client.meta.events.register(
        "before-send.rekognition", lambda request, **_: sent.append(request.headers)
    )
    sign_for_api_gateway(client)
    assert client.list_collections()["CollectionIds"] == []
    assert b"/eu-west-1/execute-api/aws4_request" in sent[0]["Authorization"]


def test_a_key_for_some_collections_learns_nothing_of_others(guarded: Guarded) -> None:
    owner = guarded.client(guarded.issue())
    names = ["aa-secret", "staff", "staff-of-others", "yy", "zz-secret"]
    for name in names:
        owner.create_collection(CollectionId=name)
    key = guarded.issue("staff", "yy", "not-there")
    client = guarded.client(key)
    seen, token = [], None
    while True:
        page = client.list_collections(MaxResults=1, **({"NextToken": token} if token else {}))
        seen += page["CollectionIds"]
        token = page.get("NextToken")
        if token is None:
            break
        assert read_page_token("collections", token, guarded.api.clock()) in ("staff", "yy")
    assert seen == ["staff", "yy"]
    url = f"{guarded.address}/api/v1/collections?limit=1"
    request = AWSRequest("GET", url)
    credentials = Credentials(key.access_key_id, key.secret)
    SigV4Auth(credentials, "execute-api", "eu-west-1").add_auth(request)
    answer = httpx.get(url, headers=dict(request.headers)).json()
    assert [found["collection_id"] for found in answer["collections"]] == ["staff"]
    assert read_page_token("collections", answer["next_token"], guarded.api.clock()) == "staff"


def test_keys_do_not_share_their_idempotency_tokens(guarded: Guarded) -> None:
    owner = guarded.client(guarded.issue())
    for name in ("staff", "other"):
        owner.create_collection(CollectionId=name)
        client = guarded.client(guarded.issue(name))
        client.create_user(CollectionId=name, UserId="ann", ClientRequestToken="the-same")
        client.create_user(CollectionId=name, UserId="ann", ClientRequestToken="the-same")
