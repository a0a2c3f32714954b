"""The audit log: who did what, in a hash chain per workspace that shows any later change."""
