"""A constant that results depend on."""

VALUE = 0
