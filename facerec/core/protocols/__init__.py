"""Protocols of the collaborators that ``facerec.factory`` creates.

Every store passes the contract suite of its protocol (``tests/contracts``).
"""
