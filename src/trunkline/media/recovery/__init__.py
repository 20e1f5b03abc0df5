"""Recovery from packet loss: the frames that redundancy is made of, and how much of it. Pure: time is given in."""
