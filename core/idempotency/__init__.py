"""`Idempotency-Key`: a write that is sent twice is carried out once (docs/api.md)."""
