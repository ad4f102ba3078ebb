"""The commands that do more than answer a question: one module each, with its options and what it prints.

`--explain`, `--tree`, `--check` and `--list` are in `__main__`, which gives any other first word to its module's
`main(arguments) -> exit status`, or to the function that is named after a colon.
"""

# {first word: (module, what it does)}
COMMANDS: dict[str, tuple[str, str]] = {
    "--host": ("nativeload.commands.host", "what this machine gives a library"),
    "pack": ("nativeload.commands.pack", "a provider's wheel from libraries that are built"),
    "--validate": ("nativeload.commands.validate", "whether a provider would work when it is installed"),
    "--validate-catalog": ("nativeload.commands.validate:catalog", "what is wrong with data files for the catalog"),
    "run": ("nativeload.commands.run", "run a program that finds the libraries it needs"),
    "--prefer": ("nativeload.commands.prefer", "choose a library for good"),
    "--preferences": ("nativeload.commands.preferences", "what is chosen, and where that is written"),
    "--cflags": ("nativeload.commands.build:cflags", "the compiler's flags for a library"),
    "--libs": ("nativeload.commands.build:libs", "the linker's"),
    "--cmake-dir": ("nativeload.commands.build:cmake_dir", "where its CMake configuration is"),
    "--pkg-config-path": ("nativeload.commands.build:pkg_config_path", "where its pkg-config files are"),
}
