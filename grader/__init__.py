"""Grading a cohort's submissions over nbgrader's formats, learner code confined."""

__all__ = ["Graded", "Mark", "Outcome", "grade"]


def __getattr__(name: str):
    """Return what the package offers, imported when it is asked for: each confined process begins
    with this package, and needs little of it."""
    if name in __all__:
        from grader.grading import cohort

        return getattr(cohort, name)  # Mark too, which it uses
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
