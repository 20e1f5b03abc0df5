"""R26: the history checker must catch every planted fault and pass every clean history."""
