"""The operations on collections, photos, faces and users, each once: see ``gallery.Gallery``."""
