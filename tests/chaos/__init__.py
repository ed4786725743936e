"""Faults injected into whole jobs, each replayable from its seed."""
