"""Walk a run again from what is on record, without touching anything outside."""
