"""Requests of commands as JSON values, answered by the gallery of this machine or of a stack.

A command sends the same request, and prints the same answer, for a collection on this machine and
on AWS.
"""
