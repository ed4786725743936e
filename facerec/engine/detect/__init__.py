"""Detection: pixels to face boxes."""
