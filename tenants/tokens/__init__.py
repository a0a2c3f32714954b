"""Access tokens (RS256), the keys that sign them, and the refresh tokens that renew them."""
