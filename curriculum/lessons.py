"""The lessons and the paths through them, as ``notebooks/curriculum.toml`` plans them."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("en", "fr")


@dataclass(frozen=True)
class Lesson:
    """One lesson of the plan, written or still to come.

    Attributes: slug: number and name, such as ``"04-served-online"``; also the name of its files
        and of its exercise. title: by language. strands: ``"L"`` (leadership), ``"S"`` (skills) or
        both. minutes: taught minutes of the whole lesson. core_minutes: taught minutes of its
        one-day cut, or None where it has none. needs: slugs of the lessons that must come before.
        helps: slugs of lessons that help and are recalled where used. data: names of the datasets
        it reads.
    """

    slug: str
    title: dict[str, str]
    strands: tuple[str, ...]
    minutes: int
    core_minutes: int | None
    needs: tuple[str, ...]
    helps: tuple[str, ...]
    data: tuple[str, ...]

    @property
    def number(self) -> str:
        """The two digits that the slug begins with."""
        return self.slug[:2]

    def path(self, language: str) -> Path:
        """Return where its notebook lies (or will lie) in one language."""
        return ROOT / "notebooks" / language / f"{self.slug}.ipynb"

    def exercise(self) -> Path:
        """Return where its exercise's English master lies (or will lie)."""
        return ROOT / "exercises" / "source" / self.slug / f"{self.slug}.ipynb"

    def exists(self) -> bool:
        """Tell whether the lesson is written, or only planned."""
        return self.path("en").is_file()


@dataclass(frozen=True)
class LearningPath:
    """A way through the lessons for one kind of learner.

    Attributes:
        name: short name.
        title: by language.
        days: how many days it takes (0.5 for a half-day).
        test_minutes: minutes of its pre-test and post-test together.
        lessons: slugs in order, ``":core"`` after those of which only the core cut is taught.
    """

    name: str
    title: dict[str, str]
    days: float
    test_minutes: int
    lessons: tuple[str, ...]

    def steps(self, plan: "Curriculum") -> list[tuple[Lesson, bool]]:
        """Return its lessons in order, each with whether only the core cut is taught."""
        return [(plan.lesson(step.split(":")[0]), step.endswith(":core")) for step in self.lessons]

    def minutes(self, plan: "Curriculum") -> int:
        """Return its taught minutes, tests included."""
        return self.test_minutes + sum(
            lesson.core_minutes if core else lesson.minutes for lesson, core in self.steps(plan)
        )


@dataclass(frozen=True)
class Curriculum:
    """The whole plan.

    Attributes:
        strands: titles by language, by letter.
        lessons: every lesson, in order.
        paths: every path.
    """

    strands: dict[str, dict[str, str]]
    lessons: tuple[Lesson, ...]
    paths: tuple[LearningPath, ...]

    @classmethod
    @functools.cache
    def read(cls) -> "Curriculum":
        """Read the plan of this checkout, or the one inside an installed package."""
        places = (ROOT / "notebooks" / "curriculum.toml", Path(__file__).parent / "curriculum.toml")
        file = next(place for place in places if place.is_file())
        plan = tomllib.loads(file.read_text("utf-8"))
        lessons = tuple(
            Lesson(
                each["slug"],
                each["title"],
                tuple(each["strands"]),
                each["minutes"],
                each.get("core_minutes"),
                tuple(each["needs"]),
                tuple(each["helps"]),
                tuple(each["data"]),
            )
            for each in plan["lesson"]
        )
        paths = tuple(
            LearningPath(
                each["name"],
                each["title"],
                each["days"],
                each["test_minutes"],
                tuple(each["lessons"]),
            )
            for each in plan["path"]
        )
        return cls(plan["strands"], lessons, paths)

    def lesson(self, slug: str) -> Lesson:
        """Return one lesson.

        Raises:
            KeyError: if the plan has no lesson of that slug.
        """
        for lesson in self.lessons:
            if lesson.slug == slug:
                return lesson
        raise KeyError(f"notebooks/curriculum.toml has no lesson {slug!r}")

    def written(self) -> list[Lesson]:
        """Return the lessons whose notebooks exist."""
        return [lesson for lesson in self.lessons if lesson.exists()]
