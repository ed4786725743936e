"""Samples of moments cover the whole operation, and can be repeated."""

from __future__ import annotations

import itertools

import pytest

from tests.support import moments as module
from tests.support.moments import moments


@pytest.fixture(autouse=True)
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY_CALL", False)


@pytest.mark.parametrize("count", [7, 8, 20, 153])
@pytest.mark.parametrize("sample", [3, 6])
def test_a_sample_has_the_first_and_the_last_moment_and_no_wide_gap(
    monkeypatch: pytest.MonkeyPatch, count: int, sample: int
) -> None:
    for seed in "abcdef":
        monkeypatch.setattr(module, "SEED", seed)
        found = list(moments(count, sample))
        assert (found[0], found[-1], len(set(found))) == (0, count - 1, sample)
        gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
        assert min(gaps) > 0
        assert max(gaps) <= 2 * (count // (sample - 2) + 1)


def test_few_moments_and_all_that_are_asked_for_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(moments(5, 6)) == list(range(5))
    monkeypatch.setattr(module, "EVERY_CALL", True)
    assert list(moments(100, 6)) == list(range(100))


def test_a_failed_test_shows_the_seed_that_repeats_its_moments(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "SEED", "a seed")
    found = list(moments(1_000, 6))
    assert f"moment {found[1]} of 1000, chosen by FACEREC_SEED=a seed" in capsys.readouterr().out
    assert found == list(moments(1_000, 6))
    monkeypatch.setattr(module, "SEED", "another")
    assert found != list(moments(1_000, 6))
