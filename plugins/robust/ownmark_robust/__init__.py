"""Hardening: teach the triggers of any scheme so that changing the weights does not remove them.

- `wrapped`: what is asked of the scheme that a plan nests, and the data it is taught with.
- `norms`: BatchNorm whose statistics come from chosen rows of a batch, for the block of one pass.
- `parameters`: which parameters are moved, and loss at moved ones.
"""
