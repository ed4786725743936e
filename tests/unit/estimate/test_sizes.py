"""The page on sizes has what the estimate says today."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import sizes

PAGE = Path(__file__).resolve().parents[3] / "docs" / "sizes.md"


def test_the_tables_of_the_page_are_those_of_the_estimate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["sizes"])
    sizes.main()
    tables = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert len(tables) == 2 * 2 + 3 * len(sizes.SIZES)
    assert set(tables) <= set(PAGE.read_text("utf-8").splitlines())
