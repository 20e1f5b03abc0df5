"""The outgoing edge: HTTP requests to the apps' own servers.

Not here: what is sent and when (``services.webhooks``), which addresses are allowed (``domain.webhooks.addresses``).
"""

from trunkline.edges.webhooks.courier import HttpCourier

__all__ = ["HttpCourier"]
