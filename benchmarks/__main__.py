"""Run all benchmarks, each in its own process, and compare the results with the targets.

    python -m benchmarks [--output FOLDER] [NAME ...]

This takes about ten minutes on an idle machine. Each benchmark prints its tables and writes a JSON
file to the folder. Some need the labelled photos in ``../shared/data``; without them they use the
example photos, or are skipped with a message.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.pipeline import TARGETS
from benchmarks.support.results import DATA, ROOT, show
from facerec.storage.sqlite.code_index import is_available

NAMES = {
    "engine": [],
    "detection": ["--repeats", "1"],
    "hard_photos": ["--photos", "50"],
    "pipeline": ["--repeats", "2"],
    "stages": [],
    "reduced_decoding": ["--photos", "20"],
    "workers": [],
    "latency": [],
    "memory": [],
    "overhead": [],
    "startup": [],
    "api": ["--repeats", "3", "--seconds", "4"],
    "search": ["--faces", "1000000", "--repeats", "9"],
    "store_growth": [],
    "held_collections": [],
    "erasing": [],
    "failures": [],
    "rerun": [],
    "requests_to_pinecone": [],
    "approximate_search": ["--faces", "300000", "--photos", "600"],
    "plan": [],
    "listing": ["--objects", "300000"],
    "report": ["--delay-ms", "20"],
}
"""The benchmarks, with arguments that keep them short."""

NEED_LABELLED_PHOTOS = ("detection", "hard_photos", "reduced_decoding", "approximate_search")

Results = dict[str, Any]


def main() -> None:
    """Run the benchmarks and print the summary."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "benchmarks")
    options = parser.parse_args()
    if unknown := set(options.names) - NAMES.keys():
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}")
    options.output.mkdir(parents=True, exist_ok=True)
    began, failed = time.monotonic(), []
    for name in options.names or NAMES:
        if name in NEED_LABELLED_PHOTOS and not DATA.is_dir():
            print(f"\n{name} is skipped: it needs the labelled photos in {DATA}")
            continue
        if name == "approximate_search" and not is_available():
            print(f"\n{name} is skipped: it needs the extra faiss")
            continue
        print(f"\n=== {name}", flush=True)
        if not run(name, options.output / f"{name}.json"):
            failed.append(name)
    show("targets and results", sum_up(options.output))
    print(f"\n{(time.monotonic() - began) / 60:.1f} minutes; JSON in {options.output}")
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def run(name: str, path: Path) -> bool:
    """Run one benchmark and return whether it succeeded."""
    path.unlink(missing_ok=True)
    command = [sys.executable, "-m", f"benchmarks.{name}", *NAMES[name], "--json", str(path)]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def sum_up(folder: Path) -> list[dict[str, Any]]:
    """Return target and result of each figure whose benchmark was run."""
    rows = []
    for figure, benchmark, target, read in FIGURES:
        path = folder / f"{benchmark}.json"
        if not path.is_file():
            continue
        try:
            result = read(json.loads(path.read_text()))
        except (KeyError, IndexError, StopIteration):
            continue
        rows.append({"figure": figure, "target": target, "result": result})
    return rows


def _network(name: str) -> Callable[[Results], str]:
    def read(results: Results) -> str:
        row = next(row for row in results["networks"] if row["work"] == name)
        return f"{row['times faster']:.1f}x, difference {row['difference']:.0e}"

    return read


def _photos(name: str) -> Callable[[Results], str]:
    def read(results: Results) -> str:
        row = next(row for row in results["sets"] if row["photos"] == name)
        return f"{row['times faster']:.1f}x, {row['facerec ms']:.0f} ms per photo"

    return read


def _detector(results: Results) -> str:
    rows = {(row["detector"], row["from"]): row for row in results["judging"]}
    own, peer = rows["cnn", 40], rows["peer", 40]
    return f"{own['times cheaper']:.1f}x, {own['all']} faces (peer {peer['all']})"


def _grown(operation: str, unit: str = "ms") -> Callable[[Results], str]:
    """Return the cost of an operation of the store at each size."""

    def read(results: Results) -> str:
        row = next(row for row in results["operations"] if row["operation"].startswith(operation))
        return ", ".join(f"{cost:.3g} {unit} at {size}" for size, cost in list(row.items())[1:])

    return read


def _run_again(name: str) -> Callable[[Results], str]:
    def read(results: Results) -> str:
        row = next(row for row in results["runs"] if row["run"] == name)
        seconds, photos = row["s of processor time"], results["photos"]
        return f"{seconds:.2f} s at {photos:,} photos, {1e6 * seconds / photos:.1f} s per million"

    return read


def _by_size(size: str, cost: str) -> Callable[[Results], str]:
    def read(results: Results) -> str:
        return ", ".join(f"{row[cost]:.3g} ms at {row[size]:,}" for row in results["sizes"])

    return read


def _probes(results: Results) -> str:
    largest = results["sizes"][-1]
    names = ("one probe to sum", "two probes to sum", "four probes to sum")
    return " / ".join(f"{largest[name]:.2f}" for name in names)


FIGURES: list[tuple[str, str, str, Callable[[Results], str]]] = [
    ("descriptor, against dlib's wheel", "engine", "20x, under 1e-5", _network("descriptor")),
    ("CNN detector exact, against dlib's", "engine", "18x", _network("CNN detector")),
    ("default detector from 40 px, against the peer's", "detection", "4x, its recall", _detector),
    *(
        (f"whole pipeline from 40 px, {name}", "pipeline", f"{target}x", _photos(name))
        for name, target in TARGETS.items()
    ),
    (
        "12 megapixels, to Pillow's full decoding",
        "pipeline",
        "2",
        lambda results: f"{results['large']['to Pillow']:.2f}",
    ),
    (
        "two workers against one",
        "workers",
        "1.9x",
        lambda results: (
            f"{results['workers'][1]['times faster']:.2f}x; by processor time "
            f"{results['workers'][1]['expected speedup on an idle machine']:.2f}x"
        ),
    ),
    (
        "photos with 50 ms of latency, to local",
        "latency",
        "1.10",
        lambda results: f"{results['result']['remote to local']:.2f}",
    ),
    (
        "peak memory of a worker",
        "memory",
        "600 MB",
        lambda results: f"{max(row['peak MB'] for row in results['kinds']):.0f} MB",
    ),
    (
        "search of 10^6 faces, 1 / 2 / 4 probes, to a pass over memory",
        "search",
        "1.2 / 1.6 / 2.5",
        _probes,
    ),
    ("delete a face from the store", "store_growth", "20 ms at any size", _grown("delete a face")),
    (
        "delete a face from a job folder, by its photos",
        "erasing",
        "20 ms at any size",
        _by_size("photos", "processor"),
    ),
    ("list 500 users", "store_growth", "50 ms", _grown("list 500 users")),
    ("associate a face", "store_growth", "5 ms", _grown("associate a face")),
    (
        "longest wait of a writer while a collection is deleted",
        "store_growth",
        "500 ms",
        _grown("longest wait"),
    ),
    (
        "first search after 1,000 deletions",
        "store_growth",
        "100 ms",
        _grown("the first search after"),
    ),
    ("bytes written per face", "store_growth", "20 kB", _grown("kB written", "kB")),
    (
        "search with 10,000 collections held, overhead",
        "held_collections",
        "0.2 ms",
        lambda results: f"{results['overhead ms']:.3f} ms",
    ),
    ("run again over an unchanged folder", "rerun", "10 s per million", _run_again("unchanged")),
    ("run with one new photo", "rerun", "10 s per million", _run_again("one new photo")),
    (
        "run again over an unchanged manifest",
        "rerun",
        "100 s per million",
        _run_again("unchanged manifest"),
    ),
    ("photos read by runs over unchanged ones", "rerun", "0", lambda results: str(results["read"])),
    (
        "failures of a job without failures, by its rows",
        "failures",
        "100 ms at any size",
        _by_size("rows", "its failures"),
    ),
    (
        "requests to Pinecone per photo, existing collection",
        "requests_to_pinecone",
        "0.02",
        lambda results: f"{results['jobs'][1]['per photo']:.4f}",
    ),
]


if __name__ == "__main__":
    main()
