import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from facerec.jobs.aws.log import Log, logger

RECORD_ATTRIBUTES = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
PARAMETERS = {"self", "message", "msg", "args", "extra", "exc_info", "stack_info", "stacklevel"}
KEYS = {"level", "location", "message", "timestamp", "service"}
NAMES = sorted(RECORD_ATTRIBUTES | PARAMETERS | KEYS | {"exception", "fields", "job_id"})


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Log]:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)
    logger.cache_clear()
    yield logger()
    logger.cache_clear()


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    """Return the lines as the handler of the log writes them."""
    written = []
    for record in caplog.records:
        (handler,) = logging.getLogger(record.name).handlers
        written.append(json.loads(handler.format(record)))
    return written


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_a_field_may_have_any_name(log: Log, level: str, caplog: pytest.LogCaptureFixture) -> None:
    getattr(log, level)("done", **{name: f"own {name}" for name in NAMES})

    (line,) = lines(caplog)
    assert (line["level"], line["message"]) == (level.upper(), "done")
    for name in NAMES:
        assert line[f"{name}_" if name in KEYS else name] == f"own {name}"


def test_an_appended_field_may_have_any_name(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.append_keys(**dict.fromkeys(NAMES, 0))
    log.info("done", created=2)
    log.info("done")

    first, second = lines(caplog)
    assert (first["created"], second["created"], second["message_"]) == (2, 0, 0)


def test_a_line_names_the_function_that_logs(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.info("done")

    (line,) = lines(caplog)
    assert line["location"].startswith("test_a_line_names_the_function_that_logs:")


def test_a_field_without_a_value_is_omitted(log: Log, caplog: pytest.LogCaptureFixture) -> None:
    log.info("done", job_id=None, photos=0)

    (line,) = lines(caplog)
    assert "job_id" not in line
    assert line["photos"] == 0
