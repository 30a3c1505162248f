"""Forged claims: attacks that set a claim of the thief's own beside the owner's."""
