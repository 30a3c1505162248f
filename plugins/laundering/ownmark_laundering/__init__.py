"""Removal attacks that reconstruct a hidden trigger, reset what it excites, and retrain. One folder per method."""
