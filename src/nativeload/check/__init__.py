"""`--check`: whether every native file of the installed distributions would load. Nothing is run or mapped.

`files` finds them, `judgement` says what is wrong with each and how much it matters, `pairs` what must not meet in one
process, `report` is what is given back.
"""
