"""Project configuration: settings, URLs, entry points, and the embedded services of `make demo`."""
