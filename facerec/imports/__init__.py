"""Imports collections from other services, and keeps their ids."""
