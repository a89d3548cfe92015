"""The embedded target: the same definitions, interpreted on this machine."""
