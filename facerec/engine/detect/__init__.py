"""Detects faces: the boxes of faces in pixels."""
