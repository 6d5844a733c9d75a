"""A grammar of what beginners make with Python, NumPy, pandas and matplotlib: Python expressions
drawn by chance.

``expression`` returns the text of one. Each gives the same value whenever it is evaluated, in the
names of ``SETUP``. ``probe``, in ``SETUP`` too, tells all of a value that a test might ask of it,
as text.
"""

import random

SETUP = r'''
import collections, datetime, decimal, enum, fractions, functools, io, itertools, math, operator, pathlib, re, uuid
import warnings, zoneinfo
import numpy as np
import pandas as pd
import matplotlib
matplotlib.use("agg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

warnings.simplefilter("ignore")

class Color(enum.Enum):
    RED = 1

class Level(enum.IntEnum):
    LOW = 1

Point = collections.namedtuple("Point", "x y")

def table():
    return pd.DataFrame({
        "route": list("aabbc"), "riders": [3, 4, 5, 6, 7], "share": [0.1, None, 0.3, 0.25, 0.35],
        "day": pd.to_datetime(["2024-01-31", "2024-02-29", "2024-03-01", "2024-03-31", "2025-01-01"]),
        "1st class": [True, False, True, True, False], "note": ["A b", "", None, "é", "x,y"],
    })

def chart(*draw, **size):
    figure = Figure()
    axes = figure.add_subplot()
    for each in draw:
        each(axes)
    return figure

def deep(value, times):
    for _ in range(times):
        value = [value]
    return value

def itself(kind):
    value = kind()
    value.append(value)
    return value

def probe(value, depth=0):
    """Return all of a value that a test might ask, as text."""
    if depth > 30:
        return "…"
    more = functools.partial(probe, depth=depth + 1)
    all_of = lambda values: "(" + ", ".join(more(each) for each in values) + ")"
    kind = type(value).__name__
    if isinstance(value, (bool, int, float, complex, str, bytes, type(None), np.generic)):
        return f"{kind} {value!r}"
    if isinstance(value, pd.DataFrame):
        columns = [f"{value.dtypes.iloc[at]} {all_of(value.iloc[:, at])}" for at in range(value.shape[1])]
        return f"{kind} {value.shape} {columns} {more(value.index)} {more(value.columns)} {value.attrs}"
    if isinstance(value, pd.Series):
        return f"{kind} {value.dtype} {value.name!r} {all_of(value)} {more(value.index)}"
    if isinstance(value, pd.MultiIndex):
        return f"{kind} {list(value.names)} {all_of(value)}"
    if isinstance(value, pd.Index):
        return f"{kind} {value.dtype} {value.name!r} {all_of(value)} {getattr(value, 'freqstr', None)}"
    if isinstance(value, np.ndarray):
        return f"{kind} {value.dtype} {value.shape} {all_of(value.ravel())}"
    if isinstance(value, dict):
        return f"{kind} {all_of(value)} {all_of(value.values())}"
    if isinstance(value, (set, frozenset)):
        return f"{kind} {sorted(more(each) for each in value)}"
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return f"{kind} {value._fields} {all_of(value)}"
    if isinstance(value, (list, tuple, collections.deque)):
        return f"{kind} {all_of('itself' if each is value else each for each in value)}"
    if isinstance(value, Figure):
        return f"Figure {value.get_suptitle()!r} {all_of(value.axes)}"
    if hasattr(value, "get_xlabel"):
        return drawn(value)
    if isinstance(value, BaseException):
        return f"{kind} {value.args!r} {isinstance(value, ValueError)}"
    if hasattr(value, "__next__"):
        return f"iterator {all_of(itertools.islice(value, 6))}"
    if isinstance(value, type) or not callable(value):
        return f"{kind} {value!r}"
    return f"function {value.__name__ if hasattr(value, '__name__') else ''} {outcome(value)}"

def outcome(function):
    try:
        return probe(function(3), 20)
    except Exception as error:
        return type(error).__name__

def drawn(axes):
    bars = [patch for patch in axes.patches if isinstance(patch, matplotlib.patches.Rectangle)]
    return str([
        axes.get_title(), axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale(),
        axes.get_yscale(), [round(float(each), 6) for each in (*axes.get_xlim(), *axes.get_ylim())],
        [(probe(np.asarray(line.get_xdata()), 20), probe(np.asarray(line.get_ydata()), 20), line.get_label(),
          line.get_linestyle(), str(line.get_marker())) for line in axes.lines],
        [(round(float(bar.get_height()), 6), round(float(bar.get_width()), 6), round(float(bar.get_x()), 6))
         for bar in bars],
        len(axes.containers), [text.get_text() for text in axes.texts],
        [probe(text.get_position(), 20) for text in axes.texts],
        [text.get_text() for text in axes.get_legend().get_texts()] if axes.get_legend() else None,
        [len(each.get_offsets()) for each in axes.collections
         if isinstance(each, matplotlib.collections.PathCollection)],
    ])
'''  # noqa: E501

ATOMS = [
    "0",
    "-3",
    "7",
    "2 ** 70",
    "10 ** 400",
    "1.5",
    "float('nan')",
    "float('inf')",
    "-0.0",
    "True",
    "None",
    "''",
    "'a'",
    "'é œ'",
    "'a' * 300",
    "'\\ud800'",
    "b'\\x00\\xff'",
    "bytearray(b'ab')",
    "2 + 3j",
    "...",
    "NotImplemented",
    "range(3)",
    "range(9, 1, -2)",
    "slice(1, None)",
    "datetime.date(2024, 2, 29)",
    "datetime.time(9, 4)",
    "datetime.datetime(2024, 1, 1, 9, 4)",
    "datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)",
    "datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('America/Toronto'))",
    "datetime.timedelta(days=2, seconds=3)",
    "datetime.timezone.utc",
    "datetime.timezone(datetime.timedelta(hours=-5))",
    "zoneinfo.ZoneInfo('Europe/Paris')",
    "decimal.Decimal('1.10')",
    "decimal.Decimal('NaN')",
    "fractions.Fraction(1, 3)",
    "uuid.UUID(int=7)",
    "pathlib.Path('a/b.csv')",
    "re.compile('a+', re.I)",
    "re.match('a', 'abc')",
    "Color.RED",
    "Level.LOW",
    "int",
    "str",
    "pd.DataFrame",
    "np.int64",
    "ValueError",
    "Color",
    "ValueError('x', 3)",
    "KeyError('k')",
    "object()",
    "io.StringIO('x')",
    "np.int8(3)",
    "np.float32(1.5)",
    "np.bool_(True)",
    "np.str_('é')",
    "np.str_('')",
    "np.bytes_(b'')",
    "np.datetime64('2024-01-01')",
    "np.datetime64('NaT')",
    "np.timedelta64(3, 'D')",
    "np.float64('nan')",
    "np.complex64(1+2j)",
    "np.longdouble(1)",
    "pd.NA",
    "pd.NaT",
    "pd.Timestamp('2024-01-01 09:04')",
    "pd.Timestamp('2024-01-01', tz='America/Toronto')",
    "pd.Timedelta('1D 3h')",
    "pd.Period('2024Q1')",
    "pd.Interval(0, 1.5)",
    "pd.Interval(pd.Timestamp('2024'), pd.Timestamp('2025'), closed='both')",
    "pd.offsets.MonthEnd(2)",
    "np.dtype('int32')",
    "pd.CategoricalDtype(['a', 'b'])",
    "pd.Int64Dtype()",
    "math",
    "np",
    "len",
    "math.sqrt",
    "np.mean",
    "(lambda x: x * 2)",
    "(lambda x=datetime.timezone.utc: 1)",
    "(lambda x, zone=zoneinfo.ZoneInfo('UTC'): [x, (x,)])",
    "functools.partial(pow, 2)",
    "operator.itemgetter(0)",
    "(each for each in range(3))",
    "iter([1, 2])",
    "map(str, [1, 2])",
    "zip('ab', [1, 2])",
    "itertools.chain([1], 'a')",
    "enumerate('ab')",
    "reversed([1, 2])",
    "itself(list)",
    "deep(1, 20)",
    "deep(1, 400)",
    "collections.ChainMap({'a': 1})",
    "np.random.default_rng(1)",
    "np.poly1d([1, 2])",
    "memoryview(b'a')",
    "np.ma.array([1, 2], mask=[True, False])",
    "np.matrix([[1, 2]])",
    "np.array([(1, 2.0)], dtype=[('x', 'i4'), ('y', 'f8')])",
]
HASHABLE = [
    "0",
    "'a'",
    "'b'",
    "None",
    "(1, 'x')",
    "1.5",
    "True",
    "datetime.date(2024, 1, 1)",
    "np.int64(4)",
    "frozenset({1})",
    "Point(1, 2)",
    "pd.Timestamp('2024')",
    "Color.RED",
    "np.str_('')",
    "b'a'",
]
DTYPES = [
    "int64",
    "int8",
    "uint16",
    "float64",
    "float32",
    "bool",
    "U3",
    "S2",
    "M8[ns]",
    "M8[D]",
    "m8[s]",
    "complex128",
    "object",
    ">i4",
]
COLUMNS = [
    "[1, 2, 3]",
    "[1.5, None, 3]",
    "['a', '', None]",
    "[True, False, True]",
    "[1, 'a', None]",
    "[[1], [2, 3], []]",
    "pd.Categorical(['u', 'v', 'u'])",
    "pd.Categorical([1, 2, None], ordered=True)",
    "pd.array([1, None, 3], dtype='Int64')",
    "pd.array([True, None, False], dtype='boolean')",
    "pd.array(['a', None, ''], dtype='string')",
    "pd.array([1.5, None, 2], dtype='Float64')",
    "pd.arrays.SparseArray([0, 0, 1])",
    "pd.arrays.SparseArray([1.5, np.nan, np.nan])",
    "pd.date_range('2024-01-31', periods=3, freq='ME')",
    "pd.date_range('2024-01-31', periods=3, tz='America/Toronto')",
    "pd.period_range('2024-01', periods=3, freq='M')",
    "pd.timedelta_range('1D', periods=3)",
    "pd.interval_range(0, 3)",
    "[datetime.date(2024, 1, each) for each in (1, 2, 3)]",
    "[decimal.Decimal(1), None, decimal.Decimal('2.5')]",
    "[re.match('a', 'ab')] * 3",
    "[Color.RED, Color.RED, None]",
    "[int, str, float]",
    "[len, math.sqrt, None]",
    "[np.nan] * 3",
    "[pd.NaT, pd.Timestamp('2024'), None]",
    "[(1, 2), (3, 4), ()]",
    "[{'a': 1}, {}, None]",
    "[1 + 2j, 0, 3]",
    "[table().groupby('route'), 1, 2]",
    "['', '', '']",
]
INDEXES = [
    "None",
    "['x', 'y', 'z']",
    "[2, 0, 1]",
    "pd.Index([1, 1, 2], name='n')",
    "pd.date_range('2024', periods=3)",
    "pd.MultiIndex.from_tuples([('a', 1), ('a', 2), ('b', 1)], names=['k', None])",
    "pd.RangeIndex(3, name='r')",
    "[1.5, np.nan, 3]",
    "pd.period_range('2024', periods=3, freq='Y')",
    "pd.CategoricalIndex(['a', 'b', 'a'])",
]
TABLES = [  # of what lessons do with a table
    "table()",
    "table().head(0)",
    "table().dtypes",
    "list(table().dtypes)",
    "table().describe()",
    "table().describe(include='all')",
    "table().T",
    "table().columns",
    "table().index",
    "table().shape",
    "table().iloc[0]",
    "table().loc[2, 'note']",
    "table()['route'].value_counts()",
    "table()['route'].value_counts(normalize=True)",
    "table().groupby('route')",
    "table().groupby('route')['riders'].sum()",
    "table().groupby('route').agg(n=('riders', 'size'), s=('share', 'mean'))",
    "table().groupby('route').size()",
    "table().groupby('route')['riders']",
    "list(table().groupby('route'))",
    "dict(list(table().groupby('route')))",
    "table().groupby('route').groups",
    "table().groupby('route').indices",
    "table().pivot_table(index='route', columns='1st class', values='riders')",
    "table().set_index(['route', 'day'])",
    "table().set_index('day').resample('ME')['riders'].sum()",
    "table().set_index('day').resample('ME')",
    "table()['riders'].rolling(2).mean()",
    "table()['riders'].rolling(2)",
    "table().isna().sum()",
    "table()['share'].isna()",
    "table().fillna(0)",
    "table().dropna()",
    "table().sort_values('share')",
    "table()['day'].dt.year",
    "table()['day'].dt.date",
    "table()['day'].dt.strftime('%Y')",
    "table()['day'].diff()",
    "table()['day'].dt.to_period('M')",
    "table()['note'].str.split(',')",
    "table()['note'].str.split(',', expand=True)",
    "table()['note'].str.upper()",
    "table()['note'].str.len()",
    "table()['route'].unique()",
    "table()['route'].nunique()",
    "table()['route'].astype('category')",
    "table()['route'].astype('category').cat.categories",
    "table()['route'].astype('category').cat",
    "table()['note'].str",
    "table()['day'].dt",
    "pd.cut(table()['riders'], 2)",
    "pd.cut(table()['riders'], [0, 4, 9], labels=['low', 'high'])",
    "pd.qcut(table()['riders'], 2)",
    "table().corr(numeric_only=True)",
    "table().melt(id_vars='route')",
    "table().to_dict()",
    "table().to_dict('records')",
    "table().to_numpy()",
    "table()['riders'].to_list()",
    "table().itertuples()",
    "list(table().itertuples())",
    "list(table().itertuples(index=False, name=None))",
    "next(table().iterrows())",
    "list(table().items())",
    "table().merge(table(), on='route')",
    "pd.concat([table(), table()], keys=['a', 'b'])",
    "table().rename(columns={'route': 'Route'})",
    "table().assign(twice=table()['riders'] * 2)",
    "table().query('riders > 4')",
    "table()[table()['riders'] > 4]",
    "table()['riders'] > 4",
    "(table()['riders'] > 4).sum()",
    "table()['riders'].mean()",
    "table()['riders'].max()",
    "table()['share'].idxmax()",
    "table()['riders'].quantile([0.25, 0.5])",
    "table()['riders'].agg(['min', 'max'])",
    "table().nlargest(2, 'riders')",
    "table()['riders'].rank()",
    "table()['riders'].cumsum()",
    "table()['riders'].map(type)",
    "table()['riders'].map({3: 'x'})",
    "table()['note'].map(lambda each: re.search('b', str(each)))",
    "table().memory_usage()",
    "table().values",
    "table().axes",
    "table().select_dtypes('number')",
    "pd.crosstab(table()['route'], table()['1st class'])",
    "pd.get_dummies(table()['route'])",
    "pd.get_dummies(table()['route'], sparse=True)",
    "table().explode('note')",
    "pd.read_csv(io.StringIO('a;b\\n1;2'), sep=';')",
    "pd.to_numeric(pd.Series(['1', 'x']), errors='coerce')",
    "table()['riders'].apply(lambda each: [each])",
    "table()['riders'].sample(2, random_state=1)",
    "table().attrs",
    "table()['riders'].plot",
    "table().style",
    "table().info",
    "table().sum",
    "np.where(table()['riders'] > 4, 'a', 'b')",
    "np.unique(table()['route'].astype(object), return_counts=True)",
    "np.histogram([1, 2, 2, 3], bins=2)",
    "np.linspace(0, 1, 3)",
    "np.arange(6).reshape(2, 3)",
    "np.corrcoef([1, 2, 3], [1, 2, 4])",
    "table()['riders'].iloc[-1]",
    "table().empty",
    "pd.Series({'a': 1, 'b': 2})",
    "pd.Series(dtype=float)",
    "pd.DataFrame()",
    "table()['day'].max() - table()['day'].min()",
    "table().set_index('route').loc['a']",
    "table().stack()",
    "table()['1st class'].all()",
    "table().duplicated('route')",
]
DRAWS = [  # on the axes ``a``
    "a.plot([1, 2, 3], [4, 5, 6], label='late')",
    "a.plot(range(5), marker=(5, 1))",
    "a.plot([1, 2], '--o', color='C2')",
    "a.plot(table()['day'], table()['riders'])",
    "a.plot([datetime.date(2024, 1, 1), datetime.date(2024, 2, 1)], [1, 2])",
    "a.plot(['p', 'q'], [1, 2])",
    "a.bar(['p', 'q'], [1, 2], label='bars')",
    "a.bar([1, 2], [3, 4], width=0.5)",
    "a.barh(['p', 'q'], [1, 2])",
    "a.bar(range(300), range(300))",
    "a.bar(table()['day'], table()['riders'])",
    "a.scatter([1, 2], [3, 4], label='dots')",
    "a.scatter(table()['riders'], table()['share'], c=[1, 2, 3, 4, 5])",
    "a.hist([1, 2, 2, 3], bins=3)",
    "a.pie([1, 2], labels=['u', 'v'])",
    "a.boxplot([1, 2, 3])",
    "a.fill_between([1, 2], [3, 4])",
    "a.errorbar([1, 2], [3, 4], yerr=0.5)",
    "a.imshow([[1, 2], [3, 4]])",
    "a.axhline(2)",
    "a.axvline(1.5, linestyle=':')",
    "a.axvline(pd.Timestamp('2024-02-01'))",
    "a.text(1, 2, 'here')",
    "a.text('p', 1, 'on a category')",
    "a.annotate('peak', (1, 2))",
    "a.annotate('peak', (1, 2), xytext=(3, 4), arrowprops={})",
    "a.annotate('day', (pd.Timestamp('2024-02-01'), 1))",
    "a.legend()",
    "a.legend(['x'], title='t')",
    "a.set_title('Title')",
    "a.set_title('left', loc='left')",
    "a.set(xlabel='year', ylabel='n')",
    "a.set_yscale('log')",
    "a.set_xlim(0, 9)",
    "a.set_ylim(bottom=0)",
    "a.set_xticks([1, 2], ['one', 'two'])",
    "a.grid(True)",
    "a.invert_yaxis()",
    "a.twinx().plot([9, 8])",
    "a.step([1, 2, 3], [1, 2, 1])",
    "a.stem([1, 2, 3])",
    "a.plot(np.ma.array([1, 2], mask=[0, 1]))",
    "a.plot([], [])",
    "a.plot(range(60000))",
    "a.plot([1, None, 3])",
    "a.tick_params(rotation=45)",
    "a.spines['top'].set_visible(False)",
    "table().plot(x='day', y='riders', ax=a)",
    "table().plot.bar(x='route', y='riders', ax=a)",
    "table()['riders'].plot(ax=a, title='T')",
    "table()['riders'].plot.hist(ax=a)",
    "table().plot.scatter('riders', 'share', ax=a)",
    "table()['route'].value_counts().plot.barh(ax=a)",
    "table().set_index('day')['riders'].plot(ax=a)",
    "table().groupby('route')['riders'].sum().plot.pie(ax=a)",
    "table().boxplot('riders', ax=a)",
    "pd.Series([1, 2], index=pd.period_range('2024', periods=2, freq='M')).plot(ax=a)",
    "a.bar_label(a.bar(['x', 'y'], [1, 2]))",
    "[a.text(each, each, str(each)) for each in range(250)]",
    "a.plot([1, 2], label='_hidden')",
    "a.plot([1, 2], [1, 2], 'k*')",
]


def expression(chance: random.Random, depth: int = 0) -> str:
    """Return an expression drawn by chance."""
    kind = chance.choices(
        ["atom", "container", "array", "series", "frame", "index", "table", "chart"],
        [5, 5, 2, 3, 3, 1, 5, 4 * (depth == 0)],
    )[0]
    if depth > 2 or kind == "atom":
        return chance.choice(ATOMS)
    return _MAKERS[kind](chance, depth)


def _container(chance: random.Random, depth: int) -> str:
    parts = [expression(chance, depth + 1) for _ in range(chance.randrange(4))]
    keys = [chance.choice(HASHABLE) for _ in range(chance.randrange(1, 4))]
    pairs = ", ".join(f"{key}: {expression(chance, depth + 1)}" for key in keys)
    return chance.choice(
        [
            f"[{', '.join(parts)}]",
            f"({''.join(part + ', ' for part in parts)})",
            f"{{{', '.join(keys)}}}",
            f"frozenset([{', '.join(keys)}])",
            f"{{{pairs}}}",
            f"{{{pairs}}}",
            f"collections.deque([{', '.join(parts)}])",
            f"collections.Counter([{', '.join(keys)}])",
            f"collections.OrderedDict({{{pairs}}})",
            f"collections.defaultdict(list, {{{pairs}}})",
            f"Point({expression(chance, depth + 1)}, 2)",
            f"{{{pairs}}}.keys()",
            f"{{{pairs}}}.items()",
            f"[{', '.join(parts)}] * 2",
            f"sorted([{', '.join(keys[:1])}])",
        ]
    )


def _array(chance: random.Random, depth: int) -> str:
    shape = chance.choice(["0", "3", "(2, 2)", "()", "(0, 2)"])
    return chance.choice(
        [
            f"np.zeros({shape}, dtype={chance.choice(DTYPES)!r})",
            "np.array(['', ''])",
            "np.array(['ab', 'é'])",
            "np.array([1, 'a', None, [2]], dtype=object)",
            "np.arange(4)[::-1]",
            "np.asfortranarray(np.arange(4).reshape(2, 2))",
            f"np.array([{chance.choice(ATOMS)}, None], dtype=object)",
        ]
    )


def _series(chance: random.Random, depth: int) -> str:
    name = chance.choice(["None", "'n'", "('a', 1)", "3"])
    return (
        f"pd.Series({chance.choice(COLUMNS)}, index={chance.choice(INDEXES)}, name={name})"
        if chance.random() < 0.5
        else (f"pd.Series({chance.choice(COLUMNS)}, name={name})")
    )


def _frame(chance: random.Random, depth: int) -> str:
    columns = ", ".join(
        f"{chance.choice(HASHABLE[:6])}: {chance.choice(COLUMNS)}"
        for _ in range(chance.randrange(1, 4))
    )
    made = f"pd.DataFrame({{{columns}}})"
    return made if chance.random() < 0.6 else f"{made}.set_axis({chance.choice(INDEXES[1:])})"


def _chart(chance: random.Random, depth: int) -> str:
    draws = ", ".join(f"lambda a: {chance.choice(DRAWS)}" for _ in range(chance.randrange(1, 5)))
    return f"chart({draws})" + chance.choice(["", "", ".axes[0]", ".axes"])


_MAKERS = {
    "container": _container,
    "array": _array,
    "series": _series,
    "frame": _frame,
    "chart": _chart,
    "index": lambda chance, depth: chance.choice(INDEXES[3:]),
    "table": lambda chance, depth: chance.choice(TABLES),
}
