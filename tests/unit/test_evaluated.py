"""Is every test found that gives what a learner wrote to something that runs it, and no other?"""

import pytest

from grader.grading import evaluated
from grader.grading.dependencies import imported


def runs(
    test: str, kinds: dict[str, str] | None = None, files: set[str] = frozenset(), before: str = ""
) -> str:
    known = evaluated.helpers([before], {"answer"})
    return evaluated.runs(test, {"answer"}, set(files), known, kinds or {"answer": "str"})


@pytest.mark.parametrize(
    "test",
    [
        "eval(answer)",
        "exec(answer)",
        "exec(compile(answer, 'a', 'exec'))",
        "data.query(answer)",
        "data.eval(answer)",
        "pd.eval(answer)",
        "text = answer.strip()\nassert len(data.query(text)) == 3",
        "data.query(f'{answer} and True')",
        "for each in answer:\n    eval(each)",
        "[eval(each) for each in answer]",
        "list(map(eval, answer))",
        "getattr(data, 'query')(answer)",
        "getattr(data, answer)()",
        "__import__(answer)",
        "importlib.import_module(answer)",
        "re.match(answer, 'abc')",
        "re.sub(pattern=answer, repl='', string='a')",
        "data['a'].str.contains(answer)",
        "data['a'].str.extract(pat=answer)",
        "answer.fullmatch('abc')",
        "answer.format(1)",
        "'{}'.join([answer]).format(1)",
        "answer % 3",
        "f'{3:{answer}}'",
        "format(3, answer)",
        "string.Template(answer).substitute(a=1)",
        "jinja2.Environment().from_string(answer).render()",
        "pd.read_sql(answer, database)",
        "database.execute(answer)",
        "pickle.loads(answer)",
        "joblib.load(answer)",
        "yaml.load(answer, yaml.Loader)",
        "np.load(answer, allow_pickle=True)",
        "subprocess.run(answer)",
        "os.system(answer)",
        "with open('x') as f:\n    q = answer + f.read()\nexec(q)",
        "if (rule := answer[0]):\n    data.query(rule)",
        "(lambda rule: eval(rule))(answer)",
        "operator.methodcaller(answer)(data)",
    ],
)
def test_what_runs_a_learner_s_text_is_found(test):
    assert runs(test)


@pytest.mark.parametrize(
    "test",
    [
        "assert answer == 3",
        "assert eval('1 + 1') == 2 and True",
        "data.query('a > 3').equals(expected)",
        "re.match(r'[a-z]+', answer)",
        "re.sub(r'\\s', '', answer)",
        "data['a'].str.contains('x') & (answer > 3)",
        "answer.str.contains('x')",
        "answer.str.match('x')",
        "'{} {}'.format(answer, 3)",
        "f'{answer:.2f}'",
        "f'{answer}'",
        "answer.split(',')",
        "answer.count('a')",
        "answer.replace('a', 'b')",
        "json.loads(answer)",
        "ast.literal_eval(answer)",
        "json.load(open('x.json'))",
        "getattr(answer, 'title')",
        "pd.read_csv(answer)",
        "answer.style.format('{}')",
    ],
)
def test_what_only_reads_a_learner_s_text_is_not(test):
    assert not runs(test, {"answer": "str"})


def test_a_number_on_the_left_of_a_percent_sign_is_no_template():
    assert not runs("assert answer % 2 == 0", {"answer": "int"}) and runs(
        "answer % 2", {"answer": "str"}
    )


def test_a_function_of_the_instructor_s_that_runs_its_argument_is_followed():
    helper = (
        "def rows(rule):\n    return inner(rule)\n\ndef inner(text):\n    return data.query(text)\n"
    )
    assert runs("assert rows(answer) == 3", before=helper) == "query"
    assert not runs("assert rows('a > 3') == answer", before=helper)


def test_a_file_that_the_answer_writes_is_followed():
    assert runs("exec(open('plan.txt').read())", files={"plan.txt"})
    assert runs("path = 'out/plan.txt'\nrunpy.run_path(path)", files={"out/plan.txt"})
    assert not runs("pd.read_csv('plan.csv')", files={"plan.csv"})


def test_a_cell_s_imports_are_named_as_they_bind():
    cell = (
        "import numpy as np, os.path\nfrom math import isclose as close, pi\nfrom statistics "
        "import *\nfrom . import x"
    )
    assert imported(cell) == {
        "np": "numpy",
        "os": "os",
        "close": "math:isclose",
        "pi": "math:pi",
        "statistics:*": "statistics:*",
    }


@pytest.mark.parametrize(
    ("before", "test"),
    [
        (
            "def rows(text):\n    ask = table.query\n    return ask(text)",
            "assert len(rows(answer)) == 3",
        ),
        ("ask = lambda c: df.query(c)", "ask(answer)"),
        ("ask = lambda c: df.query(c)", "list(map(ask, answer))"),
        ("", "pick = {'q': df.query}\npick['q'](answer)"),
        ("pick = {'q': df.query}", "pick['q'](answer)"),
        ("", "[len(t) for t in map(df.query, answer)]"),
        ("", "functools.reduce(pd.DataFrame.query, answer, df)"),
        ("", "q = functools.partial(df.query)\nq(answer)"),
        ("from builtins import eval as value_of", "value_of(answer)"),
        ("", "from builtins import eval as value_of\nvalue_of(answer)"),
        ("", "get_ipython().ev(answer)"),
        (
            "def verify(cond, wanted, how=pd.DataFrame.query):\n    return how(df, "
            "cond).equals(wanted)",
            "verify(answer, w)",
        ),
        ("", "timeit.timeit(answer, number=1)"),
        ("run = subprocess.check_output", "run(answer)"),
        ("run = cur.execute", "run(answer)"),
        ("", "fill = answer.format\nfill(1)"),
        ("", "str.format(answer, 1)"),
        ("", "matplotlib.use(answer)"),
        ("def verify():\n    return df.query(answer)", "assert verify() is not None"),
        ("class Check:\n    how = pd.eval", "Check.how(answer)"),
        (
            "def ask(c):\n    return df.query(c)\n\ndef later(c, how=ask):\n    return how(c)",
            "later(answer)",
        ),
        ("", "df.pipe(pd.DataFrame.query, answer)"),
    ],
)
def test_what_runs_text_is_found_by_whatever_name_it_goes(before, test):
    assert runs(test, before=before)


def test_an_alias_that_no_test_gives_a_learner_s_text_to_is_left():
    assert not runs("assert answer == 3", before="ask = df.query\nrows = ask('a > 3')")
