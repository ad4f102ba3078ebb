"""`--explain FILE`: whether one file would load in this process, and its facts."""

import os

from nativeload import abi, images, requirement
from nativeload.explanation import Explanation
from nativeload.spec import Rejection, Trace, candidate


def explain(path: str) -> Explanation:
    """The verdict on a file, for no requirement but that it load: the search of one candidate."""
    whole = os.path.abspath(path)
    name = os.path.basename(whole)
    wanted = requirement.Requirement(
        text=path, name=name, stem=name, filename="", features=(), specifier=None, symbols=()
    )
    trace = Trace()
    trace.finder = "file"
    verdict = abi.judge(candidate(whole, "override", "named on the command line"), wanted)
    if not os.path.lexists(whole):
        trace.absent(whole, "no such file")
    elif isinstance(verdict, Rejection):
        trace.rejected(whole, verdict)
    else:
        build_id = images.read(whole).build_id
        trace.accepted(whole, f"would load in this process ({f'build ID {build_id}' if build_id else 'no build ID'})")
    spec = None if isinstance(verdict, Rejection) else verdict
    return Explanation(requirement=path, status=trace.status, spec=spec, steps=trace.steps, error="")
