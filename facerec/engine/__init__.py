"""Pixels to faces: decode, detect, align, embed, judge quality; the models and their versions."""
