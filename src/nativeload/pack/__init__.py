"""A provider's wheel from libraries that are built: what is in it, and why some libraries cannot be in one.

`wheel.pack` does it. Nothing here is imported by a load, and nothing is mapped or run.
"""
