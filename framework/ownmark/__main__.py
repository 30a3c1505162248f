"""`python -m ownmark`."""

from ownmark.cli import main

main()
