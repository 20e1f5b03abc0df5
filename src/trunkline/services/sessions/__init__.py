"""Live sessions: who is online, what is pushed to whom, presence and typing."""
