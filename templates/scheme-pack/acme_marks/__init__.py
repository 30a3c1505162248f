"""A watermark and an attack for ownmark. One folder a method; see the card beside the code."""
