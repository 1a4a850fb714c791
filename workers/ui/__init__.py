"""The chat page: a conversation with the assistant in a browser, by the way that every message goes."""
