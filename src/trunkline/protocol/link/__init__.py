"""The client's half of the link as machines without input or output (see ``spec/link.md``).

``frames`` reads and writes frames in both encodings, ``client`` is one connection, ``gap`` the position in
one conversation, ``closing`` says what a close or an error asks for, ``backoff`` how long to wait. Time comes
in as an argument and randomness as a number. What is not here: sockets, storage, and the server's half.
"""
