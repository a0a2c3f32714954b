"""One supervisor for the whole stack on one machine: what it starts, watches, stops and records."""
