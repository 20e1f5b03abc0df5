"""A party's view of its conversations: sync, list, own settings and cursors."""
