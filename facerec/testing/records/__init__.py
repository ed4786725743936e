"""The contracts of stores of records, one for each kind of record."""
