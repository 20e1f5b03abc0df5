"""The journal on files: ``FileJournal`` implements the port of ``services/log/journal_port.py``.

``file_journal`` appends and reads, ``thread`` runs it off the event loop, ``recovery`` opens a
directory after whatever happened to it, ``segment`` creates and reads one file, ``mark_file``
remembers what is durable, ``file_io`` is the port to the operating system (tests put a faulty one in
its place), ``lock`` keeps a second process out. What is not here: the byte format and the verdicts on
damage (``protocol/journal``).
"""
