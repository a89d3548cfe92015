"""What runs inside a job, and beside a flow file: standard library and metaflow only.

This package travels with the code package into the container, so it imports nothing else of sfnflow.
"""
