"""What is kept about a party: handing it out, and erasing it."""

from trunkline.services.privacy.erase import Eraser
from trunkline.services.privacy.export import ExportedMembership, Exporter

__all__ = ["Eraser", "ExportedMembership", "Exporter"]
