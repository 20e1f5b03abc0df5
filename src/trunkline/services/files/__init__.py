"""Files: uploads, what they are, who may read them, and when they go."""
