"""Every door to a gallery with one interface, so that tests can compare what they answer.

Each door has a data folder of its own. Set-up goes through ``gallery``, which works on the same
stores; the operation under test goes through the door's own protocol, from its command, request or
event to its answer.
"""

from tests.support.doors.base import BUCKET, Change, Door, DoorError, Found, Page
from tests.support.doors.command_line import CommandLineDoor
from tests.support.doors.python import PythonDoor
from tests.support.doors.rekognition import RekognitionDoor, rekognition_through
from tests.support.doors.rest import RestDoor, RestLambdaDoor

__all__ = [
    "BUCKET",
    "Change",
    "CommandLineDoor",
    "Door",
    "DoorError",
    "Found",
    "Page",
    "PythonDoor",
    "RekognitionDoor",
    "RestDoor",
    "RestLambdaDoor",
    "rekognition_through",
]
