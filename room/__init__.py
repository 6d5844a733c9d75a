"""A room of laptops that have only a browser: everyone has a seat on the trainer's machine."""
