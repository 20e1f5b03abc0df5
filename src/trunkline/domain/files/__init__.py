"""Rules about files: media types, names, ids."""
