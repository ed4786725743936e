"""The input size of the face recognition model.

This is a separate module because ``descriptor_network`` converts the weights once and is not
imported after that.
"""

from __future__ import annotations

CHIP_SIZE = 150
"""Side in pixels of the aligned face that the network expects."""

INPUT_NAME = "chips"
OUTPUT_NAME = "descriptors"
