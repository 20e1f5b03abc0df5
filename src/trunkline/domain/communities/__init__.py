"""Communities: channels in categories, user groups, and who may do what where."""
