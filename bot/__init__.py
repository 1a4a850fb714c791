"""The light side: receives, remembers, speaks. It imports no model library and starts in under a second."""
