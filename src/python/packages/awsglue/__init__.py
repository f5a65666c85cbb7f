"""awsglue: what scripts of AWS Glue's import, over Spark's DataFrames.

A DynamicFrame is a DataFrame, and what Glue's own knows beyond one: choice types (choice.py), records
that failed, its name. Nothing here needs Glue's jars.
"""
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection, ResolveOption
from awsglue.context import GlueContext

__all__ = ["DynamicFrame", "DynamicFrameCollection", "GlueContext", "ResolveOption"]
