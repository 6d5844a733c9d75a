"""The checker's last defence: nothing that came from a learner is run beside the tests."""

import functools
import sys

import pandas as pd

from grader.marking import shell
from grader.values.refusals import CannotCross, kind_of
from grader.values.unpacking import Unpacker


class Guard:
    """Lets nothing that came from a learner be run here, should ``evaluated`` have missed a way: no
    pickle makes anything once a file or bytes of the learner's are here, and no text of theirs that
    could be code is compiled."""

    pickles_refused = False

    @classmethod
    def set(cls) -> None:
        """Watch from now on; to be called once, in a checker."""
        import pandas.core.computation.eval as pandas_eval

        Unpacker.texts = set()
        sys.addaudithook(cls.audit)
        run = pandas_eval.eval

        def watched(expr, *arguments, **named):
            cls.refuse(expr if isinstance(expr, str) else "")
            return run(expr, *arguments, **named)

        pandas_eval.eval = pd.eval = functools.wraps(run)(watched)
        sys.modules.setdefault(
            "fsspec", None
        )  # by which pandas would follow what a path says to other places

    @classmethod
    def audit(cls, event: str, arguments) -> None:
        """Take Python's own word of what it is about to do."""
        if event == "pickle.find_class" and cls.pickles_refused:
            raise CannotCross(kind_of("pickle"))
        if event == "compile" and not shell.compiling() and isinstance(arguments[0], (str, bytes)):
            source = arguments[0]
            cls.refuse(source if isinstance(source, str) else source.decode("utf-8", "replace"))

    @classmethod
    def refuse(cls, source: str) -> None:
        """Refuse code that holds a text of the learner's."""
        if Unpacker.texts and any(text in source for text in Unpacker.texts):
            raise CannotCross(kind_of("code"))
