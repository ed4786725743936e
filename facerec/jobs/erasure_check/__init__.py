"""Checks that an erasure is complete, by scanning every store, object and file.

The names, ids and embeddings to erase are collected first. After the erasure, the stores are asked
for them, and every file is searched for their bytes, including unused pages and the log of a
database. The same names and bytes of other faces and collections, which stay, do not count.
"""
