"""Documents and orders of the demo tenants, and their rendering to files."""
