"""The command line: one file per command, holding no logic; one error boundary, in `main`."""
