"""Decoding: bytes of image files to upright pixels."""
