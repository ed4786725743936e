from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from facerec.cli.main import main
from tests.support.example_photos import EXAMPLES

PHOTOS = EXAMPLES[0].parent


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text(
        "image_a,image_b,same,cohort\n"
        "barack-obama-1.jpg,barack-obama-2.jpg,1,men\n"
        "barack-obama-1.jpg,joe-biden-1.jpg,0,men\n"
        "barack-obama-1.jpg,eileen-collins-1.jpg,0,mixed\n"
    )
    return path


def run(*arguments: object) -> str:
    result = CliRunner().invoke(main, ["evaluate", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_labelled_pairs_are_judged(pairs: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    result = json.loads(run(pairs, "--images", PHOTOS, "--html", page, "--json"))
    assert (result["photos"], result["genuine"], result["impostors"]) == (4, 1, 2)
    at_default = next(row for row in result["thresholds"] if row["similarity"] == 0.8)
    assert at_default["false_match_rate"] == 0
    assert at_default["false_non_match_rate"]["rate"] == 0
    assert "<svg" in page.read_text()


def test_rates_are_printed_for_people(pairs: Path) -> None:
    output = run(pairs, "--images", PHOTOS)
    assert "1 pair of one person, 2 of different people (labelled pairs)" in output
    assert "cohort: mixed" in output
    assert "At least 50 pairs of different people are needed" in output


def test_probes_are_searched_in_a_gallery(tmp_path: Path) -> None:
    for folder, name, number in (
        ("gallery", "obama", 0),
        ("gallery", "collins", 2),
        ("probes", "obama", 1),
        ("probes", "biden", 3),
    ):
        path = tmp_path / folder / name / "photo.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(EXAMPLES[number])
    identified = ("--identify", tmp_path / "gallery", tmp_path / "probes")
    result = json.loads(run(*identified, "--json"))
    assert (result["people"], result["known"], result["strangers"]) == (2, 1, 1)
    assert result["rank_1"]["rate"] == 1
    shown = run(*identified)
    assert "1 probe of known people and 1 of strangers" in shown
    assert "At least 10 probes of strangers are needed" in shown


@pytest.mark.parametrize(
    "arguments", [[], ["--images", "."], ["PAIRS"], ["PAIRS", "--identify", ".", "."]]
)
def test_options_that_do_not_go_together_are_wrong_usage(pairs: Path, arguments: list[str]) -> None:
    given = [str(pairs) if argument == "PAIRS" else argument for argument in arguments]
    assert CliRunner().invoke(main, ["evaluate", *given]).exit_code == 2


def test_wrong_usage_of_images_is_named(pairs: Path) -> None:
    images = ["--images", str(PHOTOS)]
    missing = CliRunner().invoke(main, ["evaluate", str(pairs)])
    assert "--images is required with PAIRS or --labels" in missing.output
    both = CliRunner().invoke(main, ["evaluate", "--identify", ".", ".", *images])
    assert both.exit_code == 2
    assert "--images cannot be used with --identify" in both.output


def test_too_few_photos_with_labels_are_an_error(tmp_path: Path) -> None:
    names = sorted(path.name for path in PHOTOS.glob("*.jpg"))
    labels = tmp_path / "labels.csv"
    people = [name.rsplit("-", 1)[0] for name in names]
    labels.write_text(
        "file,person,kind\n"
        + "".join(
            f"{name},{person},{'first' if name.endswith('-1.jpg') else 'other'}\n"
            for name, person in zip(names, people, strict=True)
        )
    )
    outcome = CliRunner().invoke(
        main, ["evaluate", "--labels", str(labels), "--images", str(PHOTOS)]
    )
    assert outcome.exit_code == 4
    assert "pairs of different people" in outcome.output
