"""The journal's on-disk format and the rules that tell a crash from damage, without any I/O.

``format`` lays out bytes, ``scan`` reads them back and decides how a segment ends, ``mark`` is the
small record of what is known to be durable. Described for operators in docs/reference/journal.md.
What is not here: files, fsync, locks (``store/journal``) and what a payload means.
"""
