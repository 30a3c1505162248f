"""Removal attacks that recover watermark samples by model inversion and unlearn them. One folder per method."""
