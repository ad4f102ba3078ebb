#!/bin/sh
set -e
# The back end carries files, and compiles none: the library is put into the package first.
cc -shared -fPIC -Wl,-soname,libfoo.so.1 src/foo.c -o src/foo_lib/libfoo.so.1
python -m pip wheel --no-deps "$@" --wheel-dir dist .
# It tags every wheel for any platform, which this one is not for. (`wheel` is a distribution: pip install wheel)
python -m wheel tags --remove --platform-tag "$(python -c '
import sysconfig
print(sysconfig.get_platform().replace("-", "_").replace(".", "_"))')" dist/foo_lib-*-any.whl
