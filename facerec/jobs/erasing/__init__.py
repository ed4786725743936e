"""Permanently erases jobs and their data about faces."""
