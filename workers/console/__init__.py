"""A conversation in the terminal: the same mailbox, context and backend, with nobody else in line."""
