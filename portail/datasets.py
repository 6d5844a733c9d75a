"""The datasets on this machine: where each one lies, what it is, and what its columns mean."""

import functools
import json
import os
from dataclasses import dataclass
from pathlib import Path

from commons import wording
from portail import settings
from portail.errors import BrokenDataset, UnknownDataset


@dataclass(frozen=True)
class Dataset:
    """One dataset folder: a Data Package (``datapackage.json``), its rows and its card.

    Attributes:
        folder: where it lies.
        descriptor: the Data Package, as read.
    """

    folder: Path
    descriptor: dict

    @property
    def name(self) -> str:
        """The dataset's short name, which is its folder's."""
        return self.descriptor["name"]

    @property
    def kind(self) -> str:
        """``snapshot`` (rows of the portal), ``figures`` (from a cited source) or ``synthetic``."""
        return self.descriptor["kind"]

    @property
    def retrieved(self) -> str:
        """The ISO date at which the rows were as they are."""
        return self.descriptor["retrieved"]

    @property
    def portal(self) -> dict:
        """``dataset_id``, ``resource_id`` and ``download`` address on the portal; empty where there
        is none."""
        return self.descriptor.get("portal", {})

    @property
    def resources(self) -> list[dict]:
        """The package's tables, the main one first."""
        return self.descriptor["resources"]

    @property
    def schema(self) -> dict:
        """The table schema of the main table."""
        return self.resources[0]["schema"]

    def when_live(self) -> "Dataset":
        """Return the same dataset as it is described once its rows are the portal's own, not
        synthetic ones."""
        descriptor = dict(self.descriptor)
        return Dataset(self.folder, descriptor | descriptor.pop("when_live", {}))

    @property
    def fields(self) -> list[dict]:
        """The columns that ``load`` gives: those of the rows, then those computed from prose that
        the rows carry."""
        return self.schema["fields"] + self.resources[0].get("derived", [])

    def rows_path(self, resource: int = 0) -> Path:
        """Return where the rows of one of its tables lie (0 is the main table)."""
        return self.folder / self.resources[resource]["path"]

    def text(self, key: str, lang: str | None = None) -> str:
        """Return the title, description or publisher in one language (the reader's if left out)."""
        lang = lang or wording.language()
        value = self.descriptor[key]
        if isinstance(value, dict):
            return value[lang]
        return self.descriptor.get(f"{key}_fr", value) if lang == "fr" else value

    def licence(self, lang: str | None = None) -> str:
        """Return the name of the dataset's licence in one language (the reader's if left out)."""
        licence = self.descriptor["licenses"][0]
        return licence["title_fr" if (lang or wording.language()) == "fr" else "title"]

    def field(self, column: str) -> dict:
        """Return a column's entry in the table schema.

        Raises:
            UnknownDataset: if the table has no such column.
        """
        for field in self.fields:
            if field["name"] == column:
                return field
        names = ", ".join(field["name"] for field in self.fields)
        raise UnknownDataset(
            f"The dataset {self.name} has no column {column!r}. Its columns: {names}.",
            f"Le jeu de données {self.name} n’a pas de colonne {column!r}. Ses colonnes : {names}.",
        )


def names() -> list[str]:
    """Return the names of all datasets on this machine, sorted."""
    found = {
        path.parent.name
        for folder in settings.data_folders()
        for path in folder.glob("*/datapackage.json")
    }
    return sorted(found)


def find(name: str) -> Dataset:
    """Return the dataset of that name from the first folder that holds it.

    Args:
        name: a name that ``portail list`` shows, such as ``"service-inventory"``.

    Raises:
        UnknownDataset: if no folder has it.
        BrokenDataset: if its description cannot be read.
    """
    for folder in settings.data_folders():
        path = folder / name / "datapackage.json"
        if (
            name in os.listdir(folder) and path.is_file()
        ):  # a name, letter for letter, and no way out of the folder
            return _read(path, path.stat().st_mtime_ns)
    known = ", ".join(names())
    raise UnknownDataset(
        f"There is no dataset {name!r} here. The names are: {known}.",
        f"Il n’y a pas de jeu de données {name!r} ici. Les noms sont : {known}.",
    )


@functools.lru_cache(maxsize=64)
def _read(path: Path, modified: int) -> Dataset:
    """Read one description; ``modified`` makes a changed file a new entry of the cache."""
    try:
        descriptor = json.loads(path.read_text("utf-8"))
        dataset = Dataset(path.parent, descriptor)
        (
            dataset.kind,
            dataset.retrieved,
            dataset.schema["fields"],
            dataset.licence(),
        )  # must be there
        if dataset.name != path.parent.name:
            raise ValueError(f"the name is {dataset.name!r}, the folder {path.parent.name!r}")
        for resource in dataset.resources:
            if Path(resource["path"]).name != resource["path"]:
                raise ValueError(f"the rows {resource['path']!r} are not a file of the folder")
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise BrokenDataset(
            f"The description {path} cannot be read ({type(error).__name__}: {error}). "
            "Restore the folder from the project, or delete your copy and run: portail refresh.",
            f"La description {path} est illisible ({type(error).__name__} : {error}). "
            "Rétablissez le dossier à partir du projet, ou supprimez votre copie et lancez : "
            "portail refresh.",
        ) from error
    return dataset


def labels(name: str, column: str, lang: str | None = None) -> dict[str, str]:
    """Return what a column's codes mean: ``{"Y": "Yes", "N": "No"}``.

    Args:
        name: the dataset, such as ``"service-inventory"``.
        column: one of its coded columns, such as ``"service_type"``.
        lang: ``"en"`` or ``"fr"``; the reader's language if left out.

    Returns:
        Code to label, in the order of the portal's own code list; empty for a column without codes.

    Raises:
        UnknownDataset: if there is no such dataset or column.
    """
    codes = find(name).field(column).get("codes", {})
    return {code: label[lang or wording.language()] for code, label in codes.items()}
