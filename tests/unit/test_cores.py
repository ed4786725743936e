"""How many cores this process may use, in control groups of both versions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from facerec.api.app import AppSettings
from facerec.api.auth.local import LoopbackGuard
from facerec.core.cores import available_cores


@pytest.fixture(autouse=True)
def _four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)), raising=False)


def write(groups: Path, **files: str) -> None:
    groups.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (groups / f"cpu.{name}").write_text(text)


@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("100000 100000", 1),
        ("250000 100000", 2),
        ("50000 100000", 1),
        ("900000 100000", 4),
        ("max 100000", 4),
        ("", 4),
        ("x y", 4),
    ],
)
def test_a_quota_bounds_the_cores(tmp_path: Path, limit: str, cores: int) -> None:
    write(tmp_path, max=limit)
    assert available_cores(tmp_path, tmp_path / "none") == cores


@pytest.mark.parametrize(("quota", "cores"), [("300000", 3), ("10000", 1), ("-1", 4), ("", 4)])
def test_a_quota_of_version_1_bounds_the_cores(tmp_path: Path, quota: str, cores: int) -> None:
    write(tmp_path / "cpu", cfs_quota_us=quota, cfs_period_us="100000\n")
    assert available_cores(tmp_path, tmp_path / "none") == cores


def test_the_smallest_quota_of_a_group_and_its_parents_counts(tmp_path: Path) -> None:
    own = tmp_path / "cgroup"
    own.write_text("3:cpu,cpuacct:/docker/a\n1:name=systemd:/x\n0::/system.slice/b.service\n")
    groups = tmp_path / "groups"
    write(groups / "system.slice" / "b.service", max="max 100000")
    write(groups / "system.slice", max="300000 100000")
    assert available_cores(groups, own) == 3
    write(groups / "cpu" / "docker" / "a", cfs_quota_us="200000", cfs_period_us="100000")
    assert available_cores(groups, own) == 2


def test_without_control_groups_all_cores_count(tmp_path: Path) -> None:
    assert available_cores(tmp_path / "none", tmp_path / "none") == 4


def test_a_server_processes_as_many_photos_at_once_as_its_quota_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, max="200000 100000")
    monkeypatch.setattr(available_cores, "__defaults__", (tmp_path, tmp_path / "none"))
    assert AppSettings(LoopbackGuard()).photos_at_once == 2
