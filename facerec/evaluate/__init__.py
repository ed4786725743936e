"""Measures how well faces are recognised in labelled photos; used only by the command line."""
