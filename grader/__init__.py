"""Cohort grading over nbgrader's gradebook: safe, fast, exact, and the same marks as nbgrader's for honest work."""

from grader.coordinator import Graded, Outcome, grade
from grader.work import Mark

__all__ = ["Graded", "Mark", "Outcome", "grade"]
