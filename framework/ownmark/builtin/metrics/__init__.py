"""Quantities of a record, as `torchmetrics.Metric` classes."""
