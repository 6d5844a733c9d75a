"""A room of laptops that have only a browser: each participant has a seat on the trainer's machine."""
