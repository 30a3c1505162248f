"""Plans of the pack."""
