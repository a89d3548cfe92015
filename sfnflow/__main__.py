"""`python -m sfnflow` is the `sfnflow` command."""

from sfnflow.cli.main import main

if __name__ == "__main__":
    main()
