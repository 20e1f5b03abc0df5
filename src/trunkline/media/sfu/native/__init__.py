"""The SFU's classes where the media kernel's packet thread does the work (decision 0021): they only tell and ask it.

Each has a twin one folder up that forwards in Python; ``Host`` decides which are used, for all connections alike. Not
here: the thread itself (``media/kernel``).
"""
