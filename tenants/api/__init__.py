"""REST of the tenants app: tokens, who one is, API keys."""
