"""Finding out what an uploaded content is, in a process that a crafted one may bring down without harm.

``process`` is the server's side, ``worker`` the process; ``sniff``, ``pictures`` and ``sound_video`` run in it.
"""
