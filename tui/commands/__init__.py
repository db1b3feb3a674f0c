"""The verbs of the command line: one module each, loaded when its verb is asked for.

A verb has `DESCRIPTION`, `EXAMPLES`, `add_arguments(parser)` and `run(args)`, which gives the exit
code and raises `CliError` for what the program itself cannot do.
"""
