#!/bin/sh
set -e
python -m pip wheel --no-deps "$@" --wheel-dir dist .
# The back end takes whatever is for one platform to be for one Python too, which the library is not.
# (`wheel` is a distribution: pip install wheel)
python -m wheel tags --remove --python-tag py3 --abi-tag none dist/foo_lib-*.whl
