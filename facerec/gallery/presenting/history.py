"""The history of people as plain dictionaries, the same for the command line and for REST.

``facerec/schemas`` defines their format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from facerec.core.times import iso_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from facerec.core.history import Entry, Step
    from facerec.gallery.collection_results import HistoryPage
    from facerec.gallery.presenting.faces import Json


def history_entry_json(entry: Entry, names: Mapping[str, str]) -> Json:
    """Present an entry of the history (``history-entry.json``).

    Args:
        entry: The entry.
        names: Current display names of people by id.
    """
    cause = entry.cause
    return {
        "entry_id": cause.entry_id,
        "action": str(cause.action),
        "at": iso_time(cause.at),
        "by": cause.by,
        "why": cause.why,
        "undoes": cause.undoes,
        "erased": entry.is_erased,
        "names": {person: names[person] for person in sorted(entry.people) if person in names},
        "steps": [_step_json(step) for step in entry.steps],
    }


def history_page_json(page: HistoryPage) -> Json:
    """Present a page of the history (``history.json``)."""
    return {
        "collection_id": page.collection_id,
        "entries": [
            history_entry_json(entry, page.names[entry.cause.entry_id]) for entry in page.entries
        ],
        "next_token": page.next_token,
    }


def _step_json(step: Step) -> Json:
    return {
        "kind": str(step.kind),
        "user_id": step.user_id,
        "other_id": step.other_id,
        "name": step.name,
        "earlier_name": step.earlier_name,
        "face_ids": list(step.face_ids),
        "person": step.person,
        "registration": step.registration,
        "earlier_registration": step.earlier_registration,
        "cluster_id": None if step.cluster is None else f"c{step.cluster}",
    }
