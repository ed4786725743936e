"""Fit the pose network to the teacher's angles, and print its errors on other people.

python training/pose/fit.py FACES.npz ANGLES.npz OUT.onnx
"""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from facerec.engine.describe.pose import INPUT_NAME, OUTPUT_NAME, shrunk

if TYPE_CHECKING:
    Generator = np.random.Generator

SIDE = 50
RATE, EPOCHS, BATCH = 2e-3, 36, 128

MAX_DISAGREEMENT = 12.0
"""Degrees by which the yaw of a face and of its mirror image may differ."""

BINS = ((0, 10), (10, 20), (20, 30), (30, 40), (40, 90))

GATE = 30.0
"""Yaw that tells a turned face from one that is not."""


class PoseModule(nn.Module):
    """Five convolutions and two dense layers: yaw and pitch in degrees of grey chips."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        for inputs, outputs, stride in (
            (1, 16, 2),
            (16, 32, 2),
            (32, 32, 1),
            (32, 64, 2),
            (64, 64, 1),
        ):
            blocks += [nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.features = nn.Sequential(*blocks, nn.AvgPool2d(2), nn.Flatten())
        self.head = nn.Sequential(
            nn.Dropout(0.3), nn.Linear(64 * 9, 64), nn.ReLU(), nn.Linear(64, 2)
        )

    def forward(self, grey: Tensor) -> Tensor:
        """Map chips (n, 1, 50, 50) of 0 to 255 to yaw and pitch (n, 2)."""
        mean = grey.mean((1, 2, 3), keepdim=True)
        deviation = ((grey - mean) ** 2).mean((1, 2, 3), keepdim=True).sqrt()
        angles: Tensor = self.head(self.features((grey - mean) / (deviation + 4)))
        return angles


def main() -> None:
    """Fit the network, print its errors, and write it."""
    faces, taught = np.load(sys.argv[1]), np.load(sys.argv[2])
    names = faces["names"]
    chips = np.concatenate([shrunk(chip) for chip in faces["chips"]])
    own, mirrored = taught["angles"], taught["mirrored"]
    known = np.abs(own[:, 0] + mirrored[:, 0]) < MAX_DISAGREEMENT
    angles = (own + mirrored * [-1, 1]) / 2
    portraits = np.array([name.startswith("london") for name in names])
    halves = np.array([_half(name) for name in names])
    learnt = known & ~portraits & (halves == 0)
    judged = known & ~portraits & (halves == 1)
    network = fit(chips[learnt], angles[learnt])
    with torch.no_grad():
        # who looks straight into the camera has a pitch of 0
        offset = network(torch.tensor(chips[portraits]))[:, 1].median()
        network.head[-1].bias[1] -= offset
        found = network(torch.tensor(chips)).numpy()
    angles[:, 1] -= float(offset)
    for name, chosen in (
        ("held out", judged),
        ("learnt", learnt),
        ("portraits", portraits & known),
    ):
        print_errors(name, found[chosen], angles[chosen])
    Path(sys.argv[3]).write_bytes(to_onnx(network))


def fit(chips: NDArray[np.float32], angles: NDArray[np.float64]) -> PoseModule:
    """Return a network that has learnt the angles of chips."""
    torch.manual_seed(0)
    generator = np.random.default_rng(0)
    network = PoseModule()
    steps = EPOCHS * len(chips) // BATCH
    optimiser = torch.optim.AdamW(network.parameters(), RATE, weight_decay=2e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    inputs, targets = torch.tensor(chips), torch.tensor(angles, dtype=torch.float32)
    # few faces are turned far
    weights = 0.3 + np.abs(angles[:, 0]) / 15
    for _ in range(steps):
        batch = generator.choice(len(chips), BATCH, p=weights / weights.sum())
        seen, wanted = _augmented(inputs[batch].clone(), targets[batch].clone(), generator)
        loss = functional.smooth_l1_loss(network(seen) / 10, wanted / 10)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return network.eval()


def print_errors(name: str, found: NDArray[np.float32], angles: NDArray[np.float64]) -> None:
    """Print the errors of yaw by how far heads are turned, and of pitch."""
    errors = np.abs(found - angles)
    for number, angle in enumerate(("yaw", "pitch")):
        mean, bound = errors[:, number].mean(), np.percentile(errors[:, number], 90)
        print(f"{name}, {len(found)} faces: {angle} is off by {mean:.1f}, 90 % within {bound:.1f}")
    turns = np.abs(angles[:, 0])
    for low, high in BINS:
        chosen = (turns >= low) & (turns < high)
        if chosen.any():
            yaw, true = found[chosen, 0], angles[chosen, 0]
            print(
                f"  {low} to {high}: {chosen.sum()} faces, off by {errors[chosen, 0].mean():.1f}, "
                f"right side {np.mean(np.sign(yaw) == np.sign(true)):.1%}, "
                f"mean {np.abs(yaw).mean():.0f}, "
                f"above {GATE:.0f}: {np.mean(np.abs(yaw) > GATE):.1%}"
            )


def to_onnx(network: PoseModule) -> bytes:
    """Return the network as an ONNX model."""
    file = io.BytesIO()
    torch.onnx.export(
        network,
        (torch.zeros(1, 1, SIDE, SIDE),),
        file,
        input_names=[INPUT_NAME],
        output_names=[OUTPUT_NAME],
        opset_version=17,
        dynamo=False,
    )
    model = onnx.load_from_string(file.getvalue())
    model.producer_name, model.doc_string = "facerec", "training/pose/README.md"
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _half(name: str) -> int:
    """Return the half that the person of a photo is in."""
    person = name.split("/")[-2] if name.startswith("lfw") else name
    return hashlib.sha256(person.encode()).digest()[0] % 2


def _augmented(chips: Tensor, angles: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    count = len(chips)
    flipped = torch.tensor(generator.random(count) < 0.5)
    chips[flipped] = chips[flipped].flip(3)
    angles[flipped, 0] *= -1
    spread = np.array([[0.06, 0.05, 0.04], [0.05, 0.06, 0.04]])
    moves = np.eye(2, 3) + generator.normal(0, 1, (count, 2, 3)) * spread
    grid = functional.affine_grid(
        torch.tensor(moves, dtype=torch.float32), list(chips.shape), align_corners=False
    )
    chips = functional.grid_sample(chips, grid, padding_mode="border", align_corners=False)
    light = torch.tensor(generator.uniform(0.6, 1.3, (count, 1, 1, 1)), dtype=torch.float32)
    noise = torch.tensor(generator.uniform(0, 6, (count, 1, 1, 1)), dtype=torch.float32)
    return chips * light + torch.randn_like(chips) * noise, angles


if __name__ == "__main__":
    main()
