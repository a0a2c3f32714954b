"""What the access matrix is generated from: routes, rules, callers and one object of each kind."""
