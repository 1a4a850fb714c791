"""`python -m workers bench`: configurations of a model compared on this machine, each in a process of its own."""
