"""Writes the people of a cohort into nbgrader's gradebook."""

import contextlib
import os
import sysconfig
from collections.abc import Iterator

from grader.intake.people import Roster


@contextlib.contextmanager
def open_gradebook(db_url: str, course_id: str = "default_course") -> Iterator:
    """Open nbgrader's gradebook, and create it if it is not there.

    Args:
        db_url: such as ``sqlite:///gradebook.db`` or ``postgresql://…``.
        course_id: the course that its assignments belong to.
    """
    from nbgrader.api import Gradebook  # slow

    before = os.environ.get("PATH", "")
    # nbgrader calls the command alembic; it lies beside nbgrader, even where the environment is not
    # activated.
    os.environ["PATH"] = sysconfig.get_path("scripts") + os.pathsep + before
    try:
        gradebook = Gradebook(db_url, course_id)
    finally:
        os.environ["PATH"] = before
    with gradebook:
        yield gradebook


def into_gradebook(roster: Roster, db_url: str, course_id: str = "default_course") -> int:
    """Write the cohort's people into nbgrader's gradebook, in one transaction; who is there already
    keeps their marks.

    Args:
        roster: the cohort.
        db_url: the gradebook.
        course_id: the course.

    Returns:
        How many people are new or changed.
    """
    from nbgrader.api import Student

    with open_gradebook(db_url, course_id) as gradebook:
        there = {student.id: student for student in gradebook.db.query(Student)}
        changed = 0
        for person in roster.people.values():
            given, family = person.names()
            values = {"first_name": given, "last_name": family, "email": person.email or None}
            student = there.get(person.id)
            if student is None:
                student = Student(id=person.id)
                gradebook.db.add(student)
            elif all(getattr(student, column) == value for column, value in values.items()):
                continue
            for column, value in values.items():
                setattr(student, column, value)
            changed += 1
        gradebook.db.commit()
    return changed
