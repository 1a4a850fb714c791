"""Setting up: a few questions, each answer proved, and then `.env` and the business file."""
