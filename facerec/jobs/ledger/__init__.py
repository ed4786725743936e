"""The ledger of a job: write-once segments and what is read from them."""
