"""``trunkline demo``: the main job on real clients over real sockets, with a crash in the middle, judged."""
