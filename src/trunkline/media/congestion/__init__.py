"""What a path to a subscriber can take, and how its tracks share that. Pure: time is given in."""
