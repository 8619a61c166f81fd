"""`python -m shopfloor` is the `shopfloor` command."""

from shopfloor.study.command_line import main

if __name__ == "__main__":
    main()
