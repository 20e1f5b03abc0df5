"""The selective forwarding unit: sockets, DTLS, SRTP and the forwarding of media packets.

Not here: signalling (``edges/livekit``), who may do what (``domain/live``, ``services/live``).
"""
