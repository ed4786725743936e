"""The function that sends matches of registered people to an event bus."""
