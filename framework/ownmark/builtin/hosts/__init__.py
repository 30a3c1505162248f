"""Networks without a mark, each with the recipe that trains it."""
