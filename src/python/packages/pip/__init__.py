"""pip for a Python that has none, as uv makes them: `python -m pip` runs that which comes with Python."""
