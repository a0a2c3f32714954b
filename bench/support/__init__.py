"""What benches share; not benches themselves."""
