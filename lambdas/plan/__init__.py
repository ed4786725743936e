"""The function that checks the input of a job and plans it."""
