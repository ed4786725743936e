"""From the faces of a photo to stored faces."""
