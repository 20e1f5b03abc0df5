"""Groups: creation, settings, members and roles."""
