"""Erases jobs and their data about faces, for good."""
