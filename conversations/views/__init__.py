"""Pages of conversations: the agents' inbox and the visitors' widget."""
