"""How similar two faces are: normalised scores, similarities and thresholds."""
