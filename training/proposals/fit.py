"""Train the proposal network and write it to facerec/engine/detect/proposals.onnx.

    pip install torch opencv-python-headless scikit-image scikit-learn
    python training/proposals/fit.py [--data ../shared/data] [--output PATH]

Takes about 20 minutes on one core and 5 GB of memory. Other processors and releases of PyTorch
round differently, so the weights are not the same to the last bit; check the result with
``benchmarks/detection.py``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from network import ORIGIN, ProposalModule, to_onnx
from patches import SIDE, SIDES, STRIDE, Examples, Source, make_examples
from teacher import LabelledPhoto, label_photos
from torch import Tensor
from torch.nn import functional

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "facerec" / "engine" / "detect" / "proposals.onnx"
ABOUT = (
    "Trained on detections of dlib's MMOD detector in the London set (CC BY 4.0), dlib's examples"
    " (Boost) and photos with and without people (MIT, Apache-2.0, BSD); see docs/detection.md"
)

OUTPUTS = (SIDE - 2 * ORIGIN - 1) // STRIDE + 1
HELD_OUT = ("london/00", "crowds/imgs__11.", "crowds/imgs__16.", "group-3", "John_Simm")
HELD_OUT_EXAMPLES = 1_000
BATCH = 32
RATE = 4e-3
LOGITS = (-3.0, -2.0, -1.0, 0.0)


def fit(train: Examples, held_out: Examples, epochs: int) -> ProposalModule:
    """Return the network trained for some epochs, printing its figures after each."""
    torch.manual_seed(0)
    network = ProposalModule().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = len(train.patches) // BATCH
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, RATE, total_steps=steps * epochs, pct_start=0.15
    )
    for epoch in range(epochs):
        order = np.random.default_rng(epoch).permutation(len(train.patches))
        network.train()
        for step in range(steps):
            optimiser.zero_grad()
            loss = _loss(network, train, order[step * BATCH : (step + 1) * BATCH])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        network.eval()
        print(f"epoch {epoch + 1}: {_figures(network, held_out)}", flush=True)
    return network


def _loss(network: ProposalModule, examples: Examples, chosen: np.ndarray) -> Tensor:
    """Return the focal cross entropy plus the error of the offsets at faces."""
    patches, kinds, offsets = _tensors(examples, chosen)
    places = network(patches)
    logits, predicted = places[:, : len(SIDES)], places[:, len(SIDES) :].reshape(offsets.shape)
    at_face = kinds == 1
    entropy = functional.binary_cross_entropy_with_logits(logits, at_face.float(), reduction="none")
    weight = torch.where(at_face, 2.0, torch.sigmoid(logits) ** 2)
    error = functional.smooth_l1_loss(predicted, offsets, reduction="none", beta=0.3).sum(2)
    total: Tensor = (entropy * weight * (kinds >= 0)).sum() + 0.5 * (error * at_face).sum()
    return total / at_face.sum().clamp(min=1)


def _figures(network: ProposalModule, examples: Examples) -> str:
    """Return the share of face outputs above each logit, and the false outputs per patch."""
    everything = np.arange(len(examples.patches))
    with torch.no_grad():
        logits = torch.cat(
            [
                network(_tensors(examples, part)[0])[:, : len(SIDES)]
                for part in np.array_split(everything, max(1, len(everything) // 100))
            ]
        ).numpy()
    true, false = logits[examples.kinds == 1], logits[examples.kinds == 0]
    return "; ".join(
        f"above {logit:g}: {(true > logit).mean():.1%},"
        f" {(false > logit).sum() / len(logits):.2f} false"
        for logit in LOGITS
    )


def _tensors(examples: Examples, chosen: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    patches = torch.from_numpy(examples.patches[chosen]).float()[:, None]
    offsets = torch.from_numpy(examples.offsets[chosen]).float()
    return patches, torch.from_numpy(examples.kinds[chosen]), offsets


def _examples(photos: Sequence[LabelledPhoto], seed: int, count: int) -> Examples:
    sources = [Source(photo) for photo in photos]
    return make_examples(sources, seed, count, ORIGIN, OUTPUTS)


def main() -> None:
    """Label photos, create examples, train, and write the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--output", type=Path, default=MODEL)
    parser.add_argument("--examples", type=int, default=72_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    photos = label_photos(arguments.data)
    is_held_out = [any(name in photo.name for name in HELD_OUT) for photo in photos]
    seen = [photo for photo, out in zip(photos, is_held_out, strict=True) if not out]
    unseen = [photo for photo, out in zip(photos, is_held_out, strict=True) if out]
    print(f"{len(seen)} training photos, {len(unseen)} held out", flush=True)
    train = _examples(seen, 0, arguments.examples)
    held_out = _examples(unseen, 1, HELD_OUT_EXAMPLES)
    network = fit(train, held_out, arguments.epochs)
    arguments.output.write_bytes(to_onnx(network, ABOUT))


if __name__ == "__main__":
    main()
