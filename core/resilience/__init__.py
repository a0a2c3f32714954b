"""Fault tolerance of a call, outside in: deadline, bulkhead, breaker, retry, timeout, call."""
