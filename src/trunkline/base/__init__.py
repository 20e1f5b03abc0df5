"""Vocabulary that every layer shares.

Here live identifiers and their grammar, the error codes, the wrapper that keeps secrets out of logs,
and the *protocols* for a clock and for randomness. What is not here: the real clock, the real random
source, input and output of any kind, and rules about messages. Base imports nothing of Trunkline.
"""
