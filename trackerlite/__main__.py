"""`python -m trackerlite`: the command line where no script is on the PATH."""

from trackerlite.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
