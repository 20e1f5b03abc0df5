"""LiveKit's client protocol: signalling over WebSocket, so that LiveKit's SDKs are our media SDKs.

``joining`` reads what a client asks for when it connects, ``signals`` turns the domain into messages, ``session`` is
one connection. No rules of its own: everything is asked of ``services.live``.
"""
