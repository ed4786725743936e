"""The job: a manifest into a plan, children, a ledger and a report (see ``docs/jobs.md``)."""
