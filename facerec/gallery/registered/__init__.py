"""Registered people: new faces that match them, and the delivery of these events."""
