"""What lets people see how Frontdesk is doing: logs, metrics, health checks."""
