"""The search rules of one dynamic linker each: `host` for this process, the others for any file.

They say what would be loaded; they never load.
"""
