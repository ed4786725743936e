r"""Keep the figures that ``facerec evaluate`` printed, for the test of ``docs/accuracy.md``.

    facerec evaluate lfw/pairs.csv --images lfw/images --json | \
        python -m benchmarks.kept_results benchmarks/results/evaluate_lfw.json

Curves, and the photos of the worst errors, are not kept. Other benchmarks write their own results,
such as ``python -m benchmarks.rescoring --json benchmarks/results/rescoring.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

KEPT = (
    "model_version",
    "photos",
    "labelled_pairs",
    "genuine",
    "impostors",
    "accuracy",
    "plain_accuracy",
    "miss_rates",
    "plain_miss_rates",
    "thresholds",
)
"""Fields of the result of an evaluation of pairs."""


def main() -> None:
    """Read a result as JSON from standard input, and write its figures to a file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, help="where to write the figures")
    options = parser.parse_args()
    result = json.load(sys.stdin)
    figures = {name: result[name] for name in KEPT}
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
