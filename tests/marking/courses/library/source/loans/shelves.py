"""What the course gives beside its notebooks."""

PERIOD = 21  # days


def late_days(days):
    """Return by how many days a loan was late."""
    return max(days - PERIOD, 0)
