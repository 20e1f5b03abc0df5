"""What parties show of themselves, and whom they block."""

from trunkline.services.parties.blocks import BlockBook
from trunkline.services.parties.profiles import ProfileBook

__all__ = ["BlockBook", "ProfileBook"]
