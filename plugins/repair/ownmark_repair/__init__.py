"""Attacks that repair a stolen network, in the hope that the mark goes with the damage. One folder per method."""
