"""awsglue: what scripts of AWS Glue's import, over Spark's DataFrames.

A DynamicFrame is a DataFrame, and what Glue's own knows beyond one: choice types (choice.py), records
that failed, its name. Nothing here needs Glue's jars; and what needs Spark is imported when it is asked
for, since Python shell jobs, which may have none, read their arguments by awsglue.utils.
"""
import importlib

_HOMES = {
    "DynamicFrame": "awsglue.dynamicframe",
    "DynamicFrameCollection": "awsglue.dynamicframe",
    "ResolveOption": "awsglue.dynamicframe",
    "GlueContext": "awsglue.context",
}

__all__ = sorted(_HOMES)


def __getattr__(name):
    if name not in _HOMES:
        raise AttributeError(f"module 'awsglue' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
