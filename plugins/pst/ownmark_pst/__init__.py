"""Attacks on the query: transforms in front of a stolen network, with and without fine-tuning behind them.

`front` puts a transform before a network, `shared` holds what transforms have in common (Gaussian smoothing, colour,
the blocks of JPEG); a folder for each method.
"""
