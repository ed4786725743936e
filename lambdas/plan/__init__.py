"""The function that validates the input of an execution and plans its job."""
