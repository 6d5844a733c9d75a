"""The learner's workspace: lessons and exercises to work in, a start page, and JupyterLab on it."""
