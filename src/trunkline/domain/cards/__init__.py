"""Interactive cards: what each kind may contain, who may do what to it, and which operations that becomes."""
