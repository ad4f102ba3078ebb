"""What programs of the tests ask, in another process, of another system."""

# What is found, its path and what is loaded before it; else why each candidate is refused, or the error.
FOUND = """
def found(name, **more):
    try:
        spec = nativeload.find_spec(name, **more)
    except nativeload.NativeLoadError as error:
        return str(error)
    if spec is not None:
        return [spec.path, list(spec.dependencies)]
    return [step.reason for step in nativeload.explain(name, **more).steps if step.verdict == "rejected"]
"""
