"""What people are made of: associations, vectors, corrections and names."""
