"""The commands that do more than answer a question: one module each, with its options and what it prints.

`--explain`, `--tree`, `--check` and `--list` are in `__main__`, which gives any other first word to its module's
`main(arguments) -> exit status`.
"""

# {first word: (module, what it does)}
COMMANDS: dict[str, tuple[str, str]] = {
    "--host": ("nativeload.commands.host", "what this machine gives a library"),
    "pack": ("nativeload.commands.pack", "a provider's wheel from libraries that are built"),
    "--validate-catalog": ("nativeload.commands.validate_catalog", "what is wrong with data files for the catalog"),
    "run": ("nativeload.commands.run", "run a program that finds the libraries it needs"),
    "--prefer": ("nativeload.commands.prefer", "choose a library for good"),
    "--preferences": ("nativeload.commands.preferences", "what is chosen, and where that is written"),
}
