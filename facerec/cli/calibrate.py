"""`facerec calibrate`: error rates on the faces of a collection."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from facerec.cli.options import (
    collection_option,
    data_option,
    html_option,
    json_option,
    overwrite_option,
    stack_option,
    target_fmr_option,
)
from facerec.cli.output import console, print_json, table
from facerec.core.deferred import DeferredModule
from facerec.errors import FacerecError

if TYPE_CHECKING:
    from facerec.cli import services
    from facerec.evaluate import calibration_page
    from facerec.evaluate.calibration import Calibration, DoubtfulPair
    from facerec.gallery.gallery import Gallery
else:
    services = DeferredModule("facerec.cli.services")
    calibration_page = DeferredModule("facerec.evaluate.calibration_page")


@click.command()
@collection_option
@data_option
@stack_option
@target_fmr_option("The result has the threshold with this share.", default=0.01)
@click.option(
    "--set-threshold", is_flag=True, help="Make this threshold the default of the collection."
)
@html_option("plots and doubtful faces. It contains faces.")
@overwrite_option
@json_option
def calibrate(
    collection: str,
    data: Path | None,
    stack: str | None,
    target_fmr: float,
    set_threshold: bool,
    html_file: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure error rates on the faces of a collection.

    Faces count as one person if they belong to the same person, or if their external image ids are
    the same up to the first colon. Other faces with people or such ids, and faces in one photo,
    count as different people. The result also lists probable mistakes: duplicates, people with two
    names, and names with two people. With --stack, the table and the vectors are read with your
    credentials.

    \b
    Examples:
      facerec calibrate --collection staff --html calibration.html
      facerec calibrate --collection staff --target-fmr 0.001 --set-threshold
    """
    from facerec.cli.new_files import may_overwrite, whole_file
    from facerec.evaluate.collections import calibrate_collection, set_calibrated_threshold

    may_overwrite(html_file, overwrite=overwrite)
    with services.open_gallery(stack, data) as gallery:
        result = calibrate_collection(gallery, collection, target_fmr=target_fmr)
        if html_file:
            page = calibration_page.calibration_page(
                result,
                collection,
                lambda face_id: _thumbnail(gallery, collection, face_id),
                model_version=gallery.model_version,
            )
            with whole_file(html_file) as part:
                part.write_text(page, encoding="utf-8")
        if set_threshold:
            set_calibrated_threshold(gallery, collection, result)
    if as_json:
        print_json({"model_version": gallery.model_version, **asdict(result)})
        return
    _print(result, collection)
    if set_threshold:
        console().print(f"collection {collection} has the threshold {result.threshold:.4f}")
    if html_file:
        console().print(f"page: {html_file}")


def _thumbnail(gallery: Gallery, collection: str, face_id: str) -> bytes | None:
    # The page has no thumbnail of a face whose photo cannot be read for any reason.
    with suppress(FacerecError):
        return gallery.thumbnail(collection, face_id)
    return None


def _print(result: Calibration, collection: str) -> None:

    out = console()
    for sentence in calibration_page.summary(result, collection):
        out.print(sentence)
    shown = table("similarity", "predicted", "false matches (95 %)", "per search (95 %)", "misses")
    for row in calibration_page.rate_rows(result):
        shown.add_row(*row)
    out.print(shown)
    _print_pairs("one photo twice", result.duplicates)
    _print_pairs("perhaps one person under two names", result.one_person)
    _print_pairs("perhaps one person under a wrong name", result.two_people)


def _print_pairs(title: str, pairs: list[DoubtfulPair]) -> None:
    if not pairs:
        return
    console().print("", f"{title}:", sep="\n")
    rows = table("similarity", "name", "name", "face id", "face id", whole=("face id",))
    for pair in pairs:
        rows.add_row(
            f"{pair.similarity:.3f}",
            pair.person_a or "-",
            pair.person_b or "-",
            pair.face_a,
            pair.face_b,
        )
    console().print(rows)
