"""REST of conversations: chat for visitors and machines, the inbox for the team."""
