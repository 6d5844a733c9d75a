"""The tests, in folders by what they need.

``unit``: functions in this process, at most a portal on the loopback. ``content``: lessons,
exercises, datasets, the trainer's kit, rules. ``marking``: the grader from what is handed in to the
reports. ``attacks``: hostile submissions. ``system``: processes, sandboxes, kernels, browsers,
JupyterLab, the room, PostgreSQL, other machines. ``helpers`` is what several files use; no file of
tests imports another.
"""
