"""Golden folders: what a release has written, kept for the tests of all later ones."""
