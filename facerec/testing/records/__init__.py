"""What every store of records must do, by the kind of the records."""
