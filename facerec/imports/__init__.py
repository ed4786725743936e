"""Collections of other services, taken over with their ids."""
