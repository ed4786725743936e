"""A photo uploaded as a file through API Gateway, which passes it on in base64."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from facerec.testing.engine import fake_face, fake_photo
from tests.support.doors import Door
from tests.support.gateway_events import rest_event

ANN = fake_photo(fake_face("ann"))


def test_the_lambda_function_takes_a_photo_as_a_file(open_door: Callable[[str], Door]) -> None:
    door = open_door("rest on lambda")
    event = rest_event(
        "POST",
        "/api/v1/face-recognition/detect",
        authorization="AWS_IAM",
        headers={"Content-Type": "image/jpeg"},
    )
    event |= {"body": base64.b64encode(ANN).decode(), "isBase64Encoded": True}
    answer = door._function(event, None)
    assert answer["statusCode"] == 200
    assert len(json.loads(answer["body"])["faces"]) == 1
