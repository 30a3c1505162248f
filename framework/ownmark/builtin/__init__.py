"""Datasets, hosts and metrics of the core, registered through the same hooks as everybody's."""
