"""Values, protocols and contracts that every other package uses. Imports no vision library."""
