"""What goes wrong on the server's side, for those who run it."""

from __future__ import annotations

import logging
import traceback

from facerec.errors import FacerecError, StoreUnavailableError

_LOG = logging.getLogger("facerec.api")


def log_fault(error: Exception) -> None:
    """Log an error that is not the client's.

    Of an unexpected one, only its kind and where it arose: its text may hold what a client sent.
    """
    if isinstance(error, StoreUnavailableError):
        _LOG.warning("%s", error.message)
    elif not isinstance(error, FacerecError) and not hasattr(error, "kind"):
        where = "".join(traceback.format_tb(error.__traceback__))
        _LOG.error("unexpected %s\n%s", type(error).__name__, where)
