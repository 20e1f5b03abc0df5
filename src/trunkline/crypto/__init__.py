"""Pure cryptographic formats.

Here live token formats (mint and verify), key rings and fingerprints: bytes, keys and the present
time in, a verdict out. What is not here: sources of randomness, the clock, key storage.
"""
