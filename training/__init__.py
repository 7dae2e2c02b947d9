"""Training of the embedded ``mini`` model (not part of the installed package)."""
