"""Adapters that look into media: pictures, sound, video."""
