"""Writing a file in one step, so that no reader and no crash ever finds half of it."""

import contextlib
import hashlib
import os
import threading
from pathlib import Path


def put(path: Path, content: bytes) -> None:
    """Write a file in one step: a reader, or whoever comes after a crash, finds the old content or
    the new, whole.

    The content goes to a new file in the same folder, reaches the disk, and takes the name.

    Args:
        path: the file; its folder is made if absent.
        content: all of it.

    Raises:
        OSError: if it cannot be written; what was there is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # the whole name may already be as long as names can be
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    new = path.with_name(f".{digest}.{os.getpid()}.{threading.get_ident()}.new")
    try:
        with open(new, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            new.unlink()
        raise
