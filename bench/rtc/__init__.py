"""Synthetic callers for the media measures: ICE, DTLS and SRTP of our own, the same towards every server."""
