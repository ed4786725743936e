"""Proves that nothing is left of what was erased, by scanning every store, object and file.

What is erased is collected first, with the embeddings that are known of it. After the erasure,
the stores are asked for it, and every file is searched for its bytes: unused pages of a database
and its log too. What another collection or another face holds by right does not count.
"""
