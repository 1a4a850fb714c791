"""`python -m bot status`: how the installation is now, for a terminal of eighty columns; each second anew if wanted."""
