"""Threats: what looks like an attack becomes a security event, an alert, a block for a while."""
