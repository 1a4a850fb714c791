"""What Meta knows of this installation: its token, its numbers and who hears of their messages; asked, and judged."""
