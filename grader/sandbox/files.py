"""What a sandbox sees of the machine's files: a small read-only system, and one home."""

import os
import stat
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from grader.sandbox.kernel import (
    MNT_DETACH,
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_RDONLY,
    MS_BIND,
    MS_NODEV,
    MS_NOSUID,
    MS_PRIVATE,
    MS_REC,
    call,
    make_read_only,
    mount,
    set_attributes,
)

HOME = "/learner"  # the one folder inside where anything can be written
SCRATCH = "/scratch"  # where a home is kept: what need not be

_FOLDERS_OF_THE_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/gnu/store",
)
_FILES_OF_THE_SYSTEM = (
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/mime.types",
)
_DEVICES = ("null", "zero", "full", "random", "urandom")
_PEOPLE = "root:x:0:0::/:/bin/false\nlearner:x:1000:1000::/learner:/bin/sh\n"


def python_folders(libraries: Iterable[Path] = ()) -> list[Path]:
    """Return the folders without which this Python and the sandbox itself do not run.

    Args:
        libraries: folders of other packages that are to be imported there.
    """
    here = Path(__file__).resolve()
    return outermost(
        [
            Path(sys.prefix),
            Path(sys.base_prefix),
            Path(sys.executable).resolve().parent.parent,
            *map(Path, sysconfig.get_paths().values()),
            here.parents[1],
            here.parents[2] / "commons",
            *libraries,
        ]
    )


def outermost(folders: Iterable[Path]) -> list[Path]:
    """Return the folders that exist, without those that lie in another of them, resolved."""
    kept: list[Path] = []
    for folder in sorted({Path(folder).resolve() for folder in folders if Path(folder).exists()}):
        if not any(folder.is_relative_to(other) for other in kept):
            kept.append(folder)
    return kept


def enter(
    readable: Iterable[Path],
    shown: dict[str, str],
    home: Path | None = None,
    hidden: Iterable[Path] = (),
) -> None:
    """Leave the machine's files behind: a small read-only system of what Python needs, and no other
    process.

    To be called in a process that has left its user, mount, pid, net, ipc and uts namespaces, as
    their first process, after ``map_users``. What is not named here does not exist afterwards.

    Args:
        readable: folders and files to be seen besides, read-only, under their own names.
        shown: folders and files to be seen, read-only, under another name: the name inside, by the
            one outside.
        home: the folder that is the home inside, and is written to there; a small one in memory if
            None.
        hidden: folders and files that are empty inside, where they lie in a folder that is to be
            seen.
    """
    mount("none", "/", None, MS_REC | MS_PRIVATE)
    root = Path(
        "/mnt" if os.path.isdir("/mnt") else "/tmp"
    )  # any folder: it is out of sight from here on
    links = [path for path in _FOLDERS_OF_THE_SYSTEM if os.path.islink(path)]
    binds = [
        Path(path)
        for path in (*_FOLDERS_OF_THE_SYSTEM, *_FILES_OF_THE_SYSTEM)
        if os.path.exists(path) and not os.path.islink(path)
    ]
    binds = [path.resolve() if path.is_symlink() else path for path in binds]
    localtime = Path("/etc/localtime").resolve()
    wanted = outermost([*binds, localtime, *readable])
    sources = [(path, os.open(path, os.O_PATH)) for path in wanted]
    open_to_all = {outside: _open_to_all(Path(outside)) for outside in shown}
    sources += [
        (Path(inside), os.open(outside, os.O_PATH))
        for outside, inside in shown.items()
        if open_to_all[outside]
    ]
    copies = [
        (_contents(Path(outside)), inside)
        for outside, inside in shown.items()
        if not open_to_all[outside]
    ]
    room = sum(len(data) for files, _ in copies for data in files.values())
    devices = [
        (name, os.open(f"/dev/{name}", os.O_PATH))
        for name in _DEVICES
        if os.path.exists(f"/dev/{name}")
    ]
    targets = {path: os.readlink(path) for path in links}
    kept = os.open(home, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW) if home else None

    mount(
        "sandbox",
        root,
        "tmpfs",
        MS_NOSUID | MS_NODEV,
        f"size={room + (room >> 1) + (1 << 20)},mode=755",
    )
    for files, inside in copies:
        for name, data in files.items():
            path = root / inside[1:] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    for path, descriptor in sources:
        _bind(descriptor, root / path.relative_to("/"))
        make_read_only(root / path.relative_to("/"), MOUNT_ATTR_NODEV)
    for path in hidden:
        _hide(root / path.relative_to("/"))
    for path, target in targets.items():
        os.symlink(target, root / path.removeprefix("/"))
    (root / "dev" / "shm").mkdir(parents=True)
    for name, descriptor in devices:
        _bind(descriptor, root / "dev" / name)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc" / "passwd").write_text(_PEOPLE)
    if kept is None:
        (root / HOME[1:]).mkdir()
        mount("sandbox", root / HOME[1:], "tmpfs", MS_NOSUID | MS_NODEV, "size=64m,mode=700")
        if not (root / "tmp").exists():  # it does where Python itself lies under /tmp
            os.symlink(HOME, root / "tmp")
    else:
        _bind(kept, root / HOME[1:])
        set_attributes(root / HOME[1:], MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
        (root / SCRATCH[1:]).mkdir()
        for place in (root / SCRATCH[1:], root / "dev" / "shm"):
            mount(
                "sandbox",
                place,
                "tmpfs",
                MS_NOSUID | MS_NODEV,
                "size=256m,nr_inodes=10000,mode=1777",
            )
    os.chdir(root)
    call("pivot_root", b".", b".")
    call("umount2", b".", MNT_DETACH)
    os.chdir("/")
    set_attributes("/", MOUNT_ATTR_RDONLY, below=False)


def _hide(path: Path) -> None:
    """Lay something empty over a folder or file, if it is there."""
    if path.is_dir():
        mount("sandbox", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=4k,mode=755")
        make_read_only(path)
    elif path.exists():
        mount("/dev/null", path, None, MS_BIND)


def _open_to_all(path: Path) -> bool:
    """Tell whether everybody may read a folder: an administrator's own is not the learner's user's
    to read."""
    everything = [path, *path.rglob("*")] if path.is_dir() else [path]
    return all(
        each.lstat().st_mode & (0o005 if each.is_dir() else 0o004) in (0o005, 0o004)
        for each in everything
    )


def _contents(path: Path) -> dict[str, bytes]:
    """Return the files of a folder by their places in it; of a file, itself."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {
        str(each.relative_to(path)): each.read_bytes() for each in path.rglob("*") if each.is_file()
    }


def _bind(descriptor: int, target: Path) -> None:
    """Mount what a descriptor holds at a place that is made for it; the descriptor is closed."""
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    mount(f"/proc/self/fd/{descriptor}", target, None, MS_BIND | MS_REC)
    os.close(descriptor)
