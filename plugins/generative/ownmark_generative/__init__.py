"""Networks that make pictures and captions: hosts, data, schemes and metrics."""
