"""The input and the output of the face recognition network as a model.

In a module of its own: ``descriptor_network`` converts the weights once and is not imported after
that.
"""

from __future__ import annotations

CHIP_SIZE = 150
"""Side in pixels of the aligned face that the network takes."""

INPUT_NAME = "chips"
OUTPUT_NAME = "descriptors"
