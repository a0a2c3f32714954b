"""Pages of a workspace and of the platform host."""
