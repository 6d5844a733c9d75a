"""The nbgrader course: run nbgrader's own commands in this folder.

Marks are given on altered tables (altered.py), so that a value copied from the page earns nothing.
"""

import os
import sys
import sysconfig
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "open-data-curriculum"
c.CourseDirectory.root = str(HERE)
c.CourseDirectory.groupshared = False

c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE / VOTRE CODE ICI\n..."}
c.ClearSolutions.text_stub = "YOUR ANSWER HERE / VOTRE RÉPONSE ICI"

c.ExecutePreprocessor.timeout = 120

import altered  # noqa: E402

os.environ["PORTAIL_DATA"] = str(altered.build(HERE / "altered"))
os.environ["PORTAIL_MODE"] = "snapshot"
c.Grader.environment = [
    "PORTAIL_DATA",
    "PORTAIL_MODE",
]  # what `grader grade` lets notebooks see; nothing else is seen

# nbgrader calls the command alembic; it lies beside nbgrader, even where the environment is not
# activated.
os.environ["PATH"] = sysconfig.get_path("scripts") + os.pathsep + os.environ.get("PATH", "")
