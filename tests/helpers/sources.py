"""Sources of courses that several files of tests grade, as texts of coursework.py."""

#: two tasks with a test each, and a memo that a person reads
TWO_TASKS = """
# %% grade_id=double kind=solution
def double(x):
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION

# %% grade_id=double-test kind=test points=2
assert double(4) == 8

# %% grade_id=total kind=solution
### BEGIN SOLUTION
total = sum(range(10))
### END SOLUTION

# %% grade_id=total-test kind=test points=3
assert total == 45

# %% [markdown] grade_id=memo kind=manual points=4
Say why.
"""

#: a course with every kind of hint
EVERY_HINT = '''"""A course with every kind of hint."""

# %% [markdown]
# A notebook
# %%
import portail
import pandas as pd
secret_table = pd.DataFrame({"figure": [271 * 1000 + 828, 314 * 1000 + 159]})
# %% [markdown]
## The sum
# %% grade_id=total kind=solution
### BEGIN SOLUTION
total = int(secret_table["figure"].sum())
### END SOLUTION
# %% grade_id=total-test kind=test points=2
assert isinstance(total, int), "total is a whole number"
### BEGIN HIDDEN TESTS
portail.checks.expect("total", total, int, equal_to=585987, mistakes=[
    (2, "this counts the rows.", "on compte ici les lignes.")])
### END HIDDEN TESTS
# %% [markdown]
## A function
# %% grade_id=double kind=solution
### BEGIN SOLUTION
def double(number):
    return 2 * number
### END SOLUTION
# %% grade_id=double-test kind=test points=3
assert double(2) == 4
### BEGIN HIDDEN TESTS
assert double(271828182) == 543656364, "CANARY-EXPECTED 543656364"
### END HIDDEN TESTS
# %% [markdown]
## Labels
# %% grade_id=labels kind=solution
### BEGIN SOLUTION
labels = {"rows": 2}
### END SOLUTION
# %% grade_id=labels-test kind=test points=1
portail.checks.expect("labels", labels, dict, index=["rows"])
# %% [markdown] grade_id=memo kind=manual points=4
A model memo.
'''
