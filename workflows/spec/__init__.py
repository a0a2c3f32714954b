"""The workflow language: YAML in, a checked graph or located errors out. Knows no Django."""
