"""The search rules of one dynamic linker each. They say what would be loaded; they never load."""
