"""The function that erases data and expired faces, rebuilds collections and creates people."""
