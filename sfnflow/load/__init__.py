"""A flow file -> `graph.Flow`. `loader` asks; `child` and what it imports run beside the user's file.

Nothing is imported here: the child would pay for it, and a load is mostly start-up time.
"""
