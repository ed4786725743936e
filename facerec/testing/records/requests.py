"""The contract of stores of answered requests."""

from __future__ import annotations

from facerec.core.protocols.records import RecordStore
from facerec.core.records import AnsweredRequest
from facerec.testing.records.two_collections import TwoCollections


class RequestContract(TwoCollections):
    """Tests of answers that are kept for repeated requests."""

    def test_an_answer_is_kept_until_it_expires(self, records: RecordStore) -> None:
        answer = AnsweredRequest("digest", '{"a": 1}', 200.0)
        records.keep_request("token", answer, now=100.0)
        assert records.get_request("token", now=199.0) == answer
        assert records.get_request("token", now=200.0) is None
        assert records.get_request("other", now=100.0) is None

    def test_answers_that_name_somebody_are_forgotten(self, records: RecordStore) -> None:
        answers = {"a": '{"UserId": "ann"}', "b": '{"UserId": "anna"}', "c": '{"n": ["f-1"]}'}
        for token, answer in answers.items():
            records.keep_request(token, AnsweredRequest("1", answer, 200.0), now=100.0)
        assert records.get_answers([]) == []
        assert records.get_answers(["ann", "f-1"]) == [answers["a"], answers["c"]]
        assert records.forget_answers([]) == 0
        assert records.forget_answers(["ann", "f-1", "nobody"]) == 2
        left = {token for token in answers if records.get_request(token, now=150.0)}
        assert left == {"b"}

    def test_the_first_answer_of_a_token_stays_until_it_expires(self, records: RecordStore) -> None:
        first = AnsweredRequest("1", "{}", 200.0)
        records.keep_request("token", first, now=100.0)
        records.keep_request("token", AnsweredRequest("2", "{}", 210.0), now=110.0)
        assert records.get_request("token", now=150.0) == first
        later = AnsweredRequest("3", "{}", 400.0)
        records.keep_request("token", later, now=300.0)
        assert records.get_request("token", now=300.0) == later
