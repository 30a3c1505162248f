"""Stages as Ray tasks, on the processes of one machine or the nodes of a cluster (extra `ownmark[ray]`).

The driver owns the graph and submits what is ready; workers build the same graph from the plan's text, and compute a
node only under the digest that they find themselves. Nothing but strings goes over the wire: tensors travel through
the store.
"""

from ownmark.runner.cluster.driver import OnRay

__all__ = ["OnRay"]
