"""The stores in Redis: what waits (mailbox), what was said (history), what is not yet delivered (outbox)."""
