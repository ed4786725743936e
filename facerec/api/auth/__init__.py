"""Who may do what: signatures, tokens, and pages of other sites that may do nothing."""
