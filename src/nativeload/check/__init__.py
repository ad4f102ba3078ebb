"""`--check`: whether every native file of the installed distributions would load. Nothing is run or mapped.

`files` finds them, `loads` says what is mapped with what, `judgement` what is wrong with each, `excuses` how much it
matters, for which `sources` reads Python files, `requires` what packages require, `remedies` what to do; `report` is
what is given back.
"""
