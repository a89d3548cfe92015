import os


def describe_context(context):
    """A deploy-time value: all of Metaflow's context, and how often it was asked for."""
    with open(os.environ.get("CALLS", os.devnull), "a") as calls:
        calls.write("called\n")
    settings = context.configs["settings"]["cpu"]
    return f"{context.flow_name} {context.user_name} {context.parameter_name} {context.ds_type} {settings}"
