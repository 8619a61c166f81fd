"""The verbs of the `shopfloor` command, one module each; `main(arguments)` runs it."""
