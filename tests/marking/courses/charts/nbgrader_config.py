# A course with words of its own.
c.ClearSolutions.code_stub = {"python": "# à vous de jouer\n..."}  # noqa: F821
c.ClearSolutions.text_stub = "*votre réponse*"  # noqa: F821
c.ExecutePreprocessor.timeout = 60  # noqa: F821
