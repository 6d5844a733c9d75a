"""Writing and packing the files of a course."""

import io
import zipfile
from pathlib import Path

from commons import files
from commons.errors import CannotWrite

IGNORED = {
    ".ipynb_checkpoints",
    "__pycache__",
    ".DS_Store",
    "Thumbs.db",
    "timestamp.txt",
    "feedback",
}


def add_to_hash(digest, name: str, data: bytes) -> None:
    """Add a named file to a hash, so that no two lists of files give the same."""
    digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape"))
    digest.update(data)


def packed(folder: Path, paths: list[Path]) -> bytes:
    """Return files as a ZIP, named by their place in a folder; the same files give the same
    bytes."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            about = zipfile.ZipInfo(str(path.relative_to(folder)), date_time=(1980, 1, 1, 0, 0, 0))
            about.external_attr = 0o644 << 16
            archive.writestr(about, path.read_bytes())
    return data.getvalue()


def put(path: Path, data: bytes) -> None:
    """Write a file whole, in one step.

    Raises:
        CannotWrite: if it cannot be; what was there is as it was.
    """
    try:
        files.put(path, data)
    except OSError as error:
        raise CannotWrite(path.parent, error) from error
