"""The function that erases after a deletion, and what has expired."""
