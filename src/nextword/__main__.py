"""`python -m nextword`: the command line, also where the script `nextword` is not on the PATH."""

from nextword.cli.main import main

if __name__ == "__main__":
    main()
