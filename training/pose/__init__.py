"""Trains the network that estimates how a head is turned."""
