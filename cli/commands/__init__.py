"""What a person types, one module per group of commands; each has `register(app)`."""
