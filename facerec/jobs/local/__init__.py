"""Jobs on this machine: a supervisor, its worker processes, and ``LocalJobs``."""
