"""Live sessions as use cases: joining, publishing, subscribing, data, administration.

``ports`` is what media adapters and signalling edges implement; ``sessions`` keeps the sessions; ``member`` is one
participant's side. Not here: packets, protobuf, tokens.
"""

from trunkline.services.live.member import LiveMember
from trunkline.services.live.sessions import LiveSessions

__all__ = ["LiveMember", "LiveSessions"]
