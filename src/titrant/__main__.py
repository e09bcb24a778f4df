"""`python -m titrant`: the same as the command `titrant`."""

from titrant.cli import main

if __name__ == "__main__":
    main()
