"""Apps, their API keys, and authentication with both."""

from trunkline.services.apps.authentication import Authentication, CallerAuthenticator, ClientIdentity
from trunkline.services.apps.directory import AppDirectory
from trunkline.services.apps.keys import Keys

__all__ = ["AppDirectory", "Authentication", "CallerAuthenticator", "ClientIdentity", "Keys"]
