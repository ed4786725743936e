"""The operations on collections, photos, faces and people, each once: see ``gallery.Gallery``."""
