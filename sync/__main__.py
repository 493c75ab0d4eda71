"""`python -m sync`: the same tool where coreutils' `sync` would answer first."""

from sync.cli.main import main

if __name__ == "__main__":
    main()
