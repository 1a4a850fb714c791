"""The outside world in miniature: platforms, models and people that behave like the real ones."""
