"""Authentication and authorisation: signatures, tokens, grants, and pages of other sites."""
