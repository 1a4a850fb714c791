"""Backups: a running installation in a file, and that file in another Redis."""
