"""Faults for tests: of networks (`chaos_proxy`) and of files (`faulty_io`)."""
