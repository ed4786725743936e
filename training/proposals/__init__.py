"""Training of the networks that facerec ships."""
