"""What can be a learner's id."""

from commons.wording import visible

MOST_ID = 128  #: characters of a learner's id, as nbgrader's gradebook has it


def is_usable(student: str) -> bool:
    """Tell whether a folder's name can be a learner's id: in files, in a gradebook, and on a
    screen."""
    return 0 < len(student) <= MOST_ID and visible(student) == student and "\\" not in student


def shown_id(name: str) -> str:
    """Return the id that a folder's name is; where it can be none, the name spelled out, each name
    in its own way."""
    return name if is_usable(name) else visible(name.replace("\\", "\\\\"))
