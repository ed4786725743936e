"""The stack of the workflow tests: the state machine, functions and containers on moto."""
