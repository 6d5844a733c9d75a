"""A room of laptops that have only a browser: one seat for each participant on the trainer's
machine."""
