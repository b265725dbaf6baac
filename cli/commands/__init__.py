"""One module per group of commands. Each imports what is heavy only when the command runs, so that help stays quick."""
