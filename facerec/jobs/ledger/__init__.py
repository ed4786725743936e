"""The ledger of a job: write-once segments, and the code that reads them."""
