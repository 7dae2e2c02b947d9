"""`python -m geo_ovss` is the command line."""

from geo_ovss.cli import main

main()
