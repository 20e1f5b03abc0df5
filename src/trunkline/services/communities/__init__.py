"""Communities: their structure, and who is a member of their channels."""
