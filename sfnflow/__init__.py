"""sfnflow: Metaflow flows in production on AWS Step Functions and AWS Batch, or on this machine."""

__version__ = "0.1.0"
