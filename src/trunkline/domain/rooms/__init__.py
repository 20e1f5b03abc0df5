"""Live rooms: who is in one, what each type of message may cost, and what leaves it per tick.

Everything here is pure: the time and every random draw are arguments, decisions and batches are results.
"""
