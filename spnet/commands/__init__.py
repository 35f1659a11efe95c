"""The command line's commands, a module each: `add` describes its options, `run` calls one function and prints.

A new command is a module here and its name in `COMMANDS` of spnet/cli.py.
"""
