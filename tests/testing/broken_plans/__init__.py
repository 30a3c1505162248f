"""Plans with one fault each."""
