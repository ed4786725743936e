"""Requests of commands as JSON values, which the gallery of this machine or of a stack answers.

So a command sends the same request, and prints the same answer, wherever the collection is.
"""
