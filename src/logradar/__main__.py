"""`python -m logradar`: the command line, for where the command `logradar` is not on the path."""

from logradar.cli import main

if __name__ == "__main__":
    main()
