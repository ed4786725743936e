"""Results as a table for people and JSON for scripts."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.support.machine import machine

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "photos"
DATA = ROOT.parent / "shared" / "data"


def arguments(documentation: str | None) -> argparse.ArgumentParser:
    """Return a parser with the options of every benchmark."""
    parser = argparse.ArgumentParser(
        description=documentation, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="where to write the results as JSON")
    return parser


def show(title: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print rows with the same columns as a Markdown table."""
    print(f"\n{title}\n")
    if not rows:
        print("no results")
        return
    print("| " + " | ".join(rows[0]) + " |")
    print("| " + " | ".join("---" for _ in rows[0]) + " |")
    for row in rows:
        print("| " + " | ".join(_text(value) for value in row.values()) + " |")


def finish(name: str, results: dict[str, Any], path: Path | None) -> None:
    """Print facts about the machine, and write the results as JSON if a path is given."""
    facts = machine()
    print("\n" + ", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        document = {"benchmark": name, "machine": facts, **results}
        path.write_text(json.dumps(document, indent=2) + "\n")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if value and abs(value) < 0.001:
            return f"{value:.1e}"
        return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return str(value)
