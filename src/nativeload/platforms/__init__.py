"""Wheels and unpacked packages of any platform, told about on this one. Nothing of them is run, mapped or installed.

`target` says what a platform tag asks for, `contents` unpacks a wheel, `sources` reads which directories its Python
files add, `closures` asks the linker's rules, `command` is `--tree`, `--check` and `--explain` for them.
"""
