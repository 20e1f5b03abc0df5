"""The systems under test, each started with its own configuration in a temporary directory."""
