"""Checks that an erasure is complete, by scanning every store, object and file.

The names, ids and embeddings to erase are collected first. After the erasure, they are looked up in
the stores, and every file is searched for their bytes, including unused pages and the log of a
database. Equal names and bytes that belong to other faces and collections do not count.
"""
