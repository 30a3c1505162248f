"""Invariant neuron transforms: the grouping engine, attacks that change weights but no answer, and their undoing."""
