"""People: their names, their faces and vectors, and corrections."""
