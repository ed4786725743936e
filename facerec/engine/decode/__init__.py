"""Decodes the bytes of image files into upright pixels."""
