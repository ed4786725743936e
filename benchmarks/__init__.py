"""What is claimed about speed, memory and accuracy, runnable by anyone (``docs/benchmarks.md``)."""
