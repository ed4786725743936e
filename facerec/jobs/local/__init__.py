"""Jobs on one machine: a supervisor and its worker processes."""
