"""The engine under every use case: load, decide, append, commit, release, project."""
