"""Degrade switches: what is given up so that the rest goes on, by an operator or by itself."""
