"""``trunkline doctor``: is this machine fit to keep the promise? Checks of the machine, and the report on them."""
