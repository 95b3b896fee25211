"""The work behind commands: what is done with an installation besides running it. `streams/cli/` has the options."""
