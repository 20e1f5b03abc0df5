"""Backups of a store: what one consists of, taking one (running or not), and restoring one."""
