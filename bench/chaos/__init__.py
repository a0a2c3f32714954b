"""Break a running stack while it works, and count what went missing or happened twice."""
