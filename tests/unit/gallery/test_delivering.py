"""Events are delivered until they are accepted, with longer and longer pauses."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from facerec.core.events import CLAIM_SECONDS, SEND_SECONDS, KeptEvent, MatchEvent
from facerec.core.records import Collection
from facerec.errors import StoreUnavailableError, WebhookError
from facerec.gallery.registered.delivering import (
    MAX_PAUSE,
    MAX_STORING_SECONDS,
    EventDelivery,
    one_by_one,
)
from facerec.storage.sqlite import SqliteStore
from facerec.testing.faces import by_image
from facerec.testing.registrations import ANN, FACES, NOW, YEAR, match_event
from tests.support.gallery import Clock


class Receiver:
    """Accepts events, but for those of a number of attempts."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.received: list[MatchEvent] = []
        self.changed = threading.Condition()

    def __call__(self, event: MatchEvent) -> None:
        if self.failures:
            self.failures -= 1
            raise WebhookError("no answer")
        with self.changed:
            self.received.append(event)
            self.changed.notify_all()

    def wait_for(self, event: MatchEvent) -> bool:
        """Wait until an event arrives; return whether it did in time."""
        with self.changed:
            return self.changed.wait_for(lambda: event in self.received, timeout=60)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with SqliteStore(tmp_path / "facerec.db") as store:
        store.create_collection(Collection("staff", "fake-1", 1.0))
        store.create_user("staff", ANN)
        store.set_registration("staff", "ann", YEAR)
        store.put_images("staff", by_image(FACES))
        store.put_events([match_event(number) for number in range(3)], NOW)
        yield store


def test_events_are_delivered_oldest_first_and_once(store: SqliteStore) -> None:
    receiver, clock = Receiver(), Clock(NOW + 10)
    delivery = EventDelivery(store, one_by_one(receiver), clock=clock)
    assert delivery.deliver()
    assert delivery.deliver()
    assert receiver.received == [match_event(number) for number in range(3)]
    assert store.list_events("staff", undelivered=True) == []


def test_an_event_that_is_not_accepted_is_kept_and_the_next_waits(store: SqliteStore) -> None:
    receiver, clock = Receiver(failures=1), Clock(NOW + 10)
    delivery = EventDelivery(store, one_by_one(receiver), clock=clock, first_pause=2)
    assert not delivery.deliver()
    assert receiver.received == []
    (*_, kept) = store.list_events("staff")
    assert (kept.problem, kept.attempts, kept.due_at) == ("no answer", 1, NOW + 12)
    clock.now += 2
    assert delivery.deliver()
    assert receiver.received == [match_event(number) for number in (1, 2, 0)]


def test_events_that_are_never_accepted_do_not_keep_others_waiting(store: SqliteStore) -> None:
    receiver, clock = Receiver(failures=10**9), Clock(NOW + 10)
    delivery = EventDelivery(store, one_by_one(receiver), clock=clock)
    for _ in range(20):
        delivery.deliver()
        clock.now += MAX_PAUSE
    store.put_events([match_event(3)], NOW)
    receiver.failures = 0
    delivery.deliver()
    assert receiver.received[0] == match_event(3)


def test_a_delivery_ends_in_time_though_more_is_due(store: SqliteStore) -> None:
    receiver = Receiver()
    EventDelivery(store, one_by_one(receiver), clock=Clock(NOW + 10)).deliver(0.0)
    assert receiver.received == []


def test_pauses_double_up_to_an_hour(store: SqliteStore) -> None:
    receiver, clock = Receiver(failures=10**9), Clock(NOW)
    store.retry_events("staff", NOW)
    delivery = EventDelivery(store, one_by_one(receiver), clock=clock, first_pause=2)
    pauses = []
    for _ in range(14):
        assert not delivery.deliver()
        (*_, kept) = store.list_events("staff")
        pauses.append(kept.due_at - clock.now)
        clock.now = kept.due_at
        # the others are due too, and would be tried first
        for other in store.list_events("staff")[:2]:
            store.note_delivered(other.event, NOW)
    assert pauses[:4] == [2, 4, 8, 16]
    assert pauses[-1] == MAX_PAUSE


def test_an_unexpected_error_is_logged_and_does_not_end_the_delivery(
    store: SqliteStore, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = Receiver()

    def send(event: MatchEvent) -> None:
        if event == match_event(0):
            raise ValueError(event.face_id)
        receiver(event)

    with EventDelivery(store, one_by_one(send), clock=Clock(NOW + 10), poll=0.01, first_pause=0.01):
        assert receiver.wait_for(match_event(2))
    (kept,) = store.list_events("staff", undelivered=True)
    assert (kept.event, kept.problem) == (match_event(0), "unexpected ValueError")
    assert "unexpected ValueError" in caplog.text
    assert match_event(0).face_id not in caplog.text


def test_the_delivery_goes_on_after_an_error_of_the_store(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    receiver, claim, broken = Receiver(), store.claim_event, [RuntimeError("no disk")]

    def claim_event(now: float, due_at: float) -> KeptEvent | None:
        if broken:
            raise broken.pop()
        return claim(now, due_at)

    monkeypatch.setattr(store, "claim_event", claim_event)
    with EventDelivery(
        store, one_by_one(receiver), clock=Clock(NOW + 10), poll=0.01, first_pause=0.01
    ):
        assert receiver.wait_for(match_event(2))
    assert "unexpected RuntimeError" in caplog.text


def test_an_event_whose_delivery_was_killed_is_delivered_again(store: SqliteStore) -> None:
    clock = Clock(NOW + 10)
    claimed = store.claim_event(clock.now, clock.now + CLAIM_SECONDS)
    assert claimed is not None
    receiver = Receiver()
    delivery = EventDelivery(store, one_by_one(receiver), clock=clock)
    delivery.deliver()
    assert claimed.event not in receiver.received
    clock.now += CLAIM_SECONDS
    delivery.deliver()
    assert receiver.received.count(claimed.event) == 1


def test_two_processes_deliver_no_event_twice(store: SqliteStore, tmp_path: Path) -> None:
    receiver, clock = Receiver(), Clock(NOW + 10)
    with SqliteStore(tmp_path / "facerec.db") as other:
        threads = [
            threading.Thread(target=EventDelivery(each, one_by_one(receiver), clock=clock).deliver)
            for each in (store, other)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(event.event_id for event in receiver.received) == [
        match_event(number).event_id for number in range(3)
    ]


def test_a_thread_delivers_what_is_added_later(store: SqliteStore) -> None:
    receiver = Receiver()
    clock = Clock(NOW + 10)
    with EventDelivery(store, one_by_one(receiver), clock=clock, poll=0.01):
        assert receiver.wait_for(match_event(2))
        store.put_events([match_event(3)], NOW)
        assert receiver.wait_for(match_event(3))


def test_events_are_sent_together_and_those_that_are_refused_again(store: SqliteStore) -> None:
    sent: list[list[MatchEvent]] = []

    def send(events: Sequence[MatchEvent]) -> list[str | None]:
        sent.append(list(events))
        refused = len(sent) == 1
        return ["throttled" if refused and each == match_event(1) else None for each in events]

    clock = Clock(NOW + 10)
    delivery = EventDelivery(store, send, at_once=2, clock=clock, first_pause=2)
    assert not delivery.deliver()
    (kept,) = [each for each in store.list_events("staff", undelivered=True) if each.problem]
    assert (kept.event, kept.problem) == (match_event(1), "throttled")
    clock.now += 2
    assert delivery.deliver()
    assert sent == [[match_event(0), match_event(1)], [match_event(2), match_event(1)]]
    assert store.list_events("staff", undelivered=True) == []


def test_an_event_waits_until_its_face_is_stored(store: SqliteStore) -> None:
    receiver, clock, stored = Receiver(), Clock(NOW + 10), {match_event(1).face_id}
    delivery = EventDelivery(
        store,
        one_by_one(receiver),
        is_stored=lambda event: event.face_id in stored,
        clock=clock,
    )
    assert delivery.deliver()
    assert receiver.received == [match_event(1)]
    stored.add(match_event(2).face_id)
    clock.now += 10
    assert delivery.deliver()
    assert receiver.received == [match_event(1), match_event(2)]
    clock.now += MAX_STORING_SECONDS
    assert delivery.deliver()
    left = [kept.event for kept in store.list_events("staff")]
    assert left == [match_event(2), match_event(1)]


def test_no_event_is_sent_long_after_its_claim_for_which_an_erasure_waits(
    store: SqliteStore,
) -> None:
    sent, clock = list[MatchEvent](), Clock(NOW + 10)

    def send(events: Sequence[MatchEvent]) -> list[str | None]:
        for event in events:
            (kept,) = store.events_about("staff", [], [event.face_id])
            ends = kept.sent_until(clock.now)
            assert ends is not None
            assert ends >= clock.now + SEND_SECONDS / 2
        sent.extend(events)
        return [None] * len(events)

    def is_stored(event: MatchEvent) -> bool:
        slow = {match_event(0): 7.0, match_event(1): 3.0}
        clock.now += slow.get(event, 0.0) if event not in looked else 0.0
        looked.append(event)
        return True

    looked = list[MatchEvent]()
    delivery = EventDelivery(store, send, at_once=10, is_stored=is_stored, clock=clock)
    assert delivery.deliver()
    assert sent == [match_event(1), match_event(2)]
    clock.now += CLAIM_SECONDS
    assert delivery.deliver()
    assert sent == [match_event(1), match_event(2), match_event(0)]


def test_a_delivery_ends_in_time_though_no_face_is_stored(store: SqliteStore) -> None:
    looked = list[MatchEvent]()

    def is_stored(event: MatchEvent) -> bool:
        looked.append(event)
        time.sleep(0.2)
        return False

    delivery = EventDelivery(
        store, lambda _: [], at_once=10, is_stored=is_stored, clock=Clock(NOW + 10)
    )
    assert delivery.deliver(0.1)
    assert looked == [match_event(0)]


def test_an_event_whose_face_cannot_be_looked_for_keeps_no_other_waiting(
    store: SqliteStore,
) -> None:
    receiver, clock = Receiver(), Clock(NOW + 10)

    def is_stored(event: MatchEvent) -> bool:
        if event == match_event(1):
            raise StoreUnavailableError("no answer")
        return True

    delivery = EventDelivery(
        store, one_by_one(receiver), at_once=10, is_stored=is_stored, clock=clock
    )
    assert not delivery.deliver()
    assert receiver.received == [match_event(0)]
    assert delivery.deliver()
    assert receiver.received == [match_event(0), match_event(2)]
    (kept,) = store.list_events("staff", undelivered=True)
    assert (kept.event, kept.problem) == (match_event(1), "no answer")
