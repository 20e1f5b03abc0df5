"""The shapes that travel and the codecs for them.

Here live the link frames and content types as ``msgspec`` structs, and their JSON and MessagePack
codecs. What is not here: state, decisions, sockets. A struct of this layer may only grow at its end.
"""
