"""Property tests here draw the same examples on every run, and may be slow on a shared machine."""

from hypothesis import settings

settings.register_profile("ownmark-stats", deadline=None, derandomize=True)
settings.load_profile("ownmark-stats")
