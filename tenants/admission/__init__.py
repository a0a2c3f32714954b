"""Who may do how much: token buckets and quota reservations, decided by Redis alone."""
