"""A near-real AWS for the compiled functions: signatures, policies and conditions hold as in an account."""
