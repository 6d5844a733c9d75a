"""Is a sealed process shut off from everything but what it is given, and does it leave nothing
behind?"""

import ctypes
import os
import pickle
import platform
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from commons.places import learner_libraries
from grader.marking import protocol
from grader.sandbox import doctor, kernel, system_calls
from grader.sandbox.channel import Channel, Gone, TooSlow
from grader.sandbox.forkserver import View
from grader.sandbox.kernel import CannotConfine
from grader.sandbox.limits import Limits
from grader.sandbox.sandbox import Sandbox, SandboxLost
from grader.sandbox.usage import descendants
from tests.helpers.processes import left_of

OFFER = doctor.offer()
pytestmark = pytest.mark.skipif(
    bool(OFFER.missing),
    reason="; ".join(english for english, _ in OFFER.missing) or "confinement is there",
)


FORK_BOMB = """
import os, time
for number in range(500):
    try:
        if os.fork() == 0:
            time.sleep(60)
    except OSError as error:
        print(type(error).__name__)
        break
"""
DEAF = """
import signal
signal.setitimer(signal.ITIMER_REAL, 0)
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
"""
WORKER = """
import time
from grader.sandbox.forkserver import View
from grader.sandbox.sandbox import Sandbox
sandbox = Sandbox(View())
print(sandbox.first.pid, flush=True)
time.sleep(60)
"""
ORDINARY = Limits(cell_seconds=20)
RUNNER = "grader.marking.runner:serve"


@pytest.fixture(scope="module")
def secret(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("course")
    (folder / "gradebook.db").write_text("CANARY")
    return folder


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    shown = tmp_path_factory.mktemp("shown")
    (shown / "rows.csv").write_text("a\n1\n")
    view = View(
        readable=[str(shown)],
        environment={"ROWS": str(shown)},
        preload=["grader.marking.runner", "grader.marking.shell:warm"],
        libraries=list(map(str, learner_libraries())),
    )
    with Sandbox(view) as one:
        yield one


@pytest.fixture
def run(sandbox):
    """Run code in a fresh sealed process and return what it printed, and its failure if it
    had one."""

    def run(code: str, limits: Limits = ORDINARY) -> str:
        process = sandbox.process(RUNNER, limits, expects=protocol.Answer)
        try:
            process.channel.ask(protocol.Open(b'{"cells": []}'), 30)
            answer = process.channel.ask(
                protocol.Run(code, limits.cell_seconds), limits.cell_seconds + 10
            )
            outputs = msgspec.msgpack.decode(answer.outputs)
        except Gone:
            outputs = [{"text": "gone"}]
        except TooSlow:
            outputs = [{"text": "slow"}]
        finally:
            process.end()
        return "".join(each.get("text", "") + each.get("ename", "") for each in outputs).strip()

    return run


@pytest.mark.parametrize(
    "path",
    ["/proc", "/sys", "/home", "/var", "/root/.bashrc", "/etc/shadow", "/etc/hostname", "/run"],
)
def test_the_machine_is_not_there(run, path):
    assert run(f"import os; print(os.path.exists({path!r}))") == "False"


def test_the_course_is_not_there(run, secret):
    assert run(f"open({str(secret / 'gradebook.db')!r}).read()") == "FileNotFoundError"


def test_what_the_course_shows_is_there_and_read_only(run):
    assert run("import os; print(open(os.environ['ROWS'] + '/rows.csv').read())") == "a\n1"
    assert run("import os; open(os.environ['ROWS'] + '/rows.csv', 'w')") in (
        "OSError",
        "PermissionError",
    )


def test_the_environment_holds_nothing_of_the_instructor_s(run, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "CANARY")
    assert "CANARY" not in run("import os; print(dict(os.environ))")


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import socket; socket.socket(socket.AF_UNIX)",
        "import socket; socket.create_connection(('127.0.0.1', 80))",
        "import socket; socket.getaddrinfo('open.canada.ca', 443)",
    ],
    ids=["tcp", "unix", "loopback", "dns"],
)
def test_nothing_is_reached_out_to(run, code):
    assert run(code) in ("PermissionError", "gaierror", "OSError")


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.setuid(0)",
        "import os; os.mknod('x', 0o20666, 259)",
        "import os; os.chroot('/')",
        "import ctypes; c = ctypes.CDLL(None, use_errno=True); assert c.unshare(0x10000000) == 0",
        "import ctypes; c = ctypes.CDLL(None, use_errno=True); assert c.mount(b'x', b'/learner', "
        "b'tmpfs', 0, None) == 0",
        "import ctypes; c = ctypes.CDLL(None, use_errno=True); assert c.ptrace(0, 0, 0, 0) == 0",
    ],
    ids=["setuid", "mknod", "chroot", "unshare", "mount", "ptrace"],
)
def test_the_kernel_s_other_doors_are_shut(run, code):
    assert run(code) in ("PermissionError", "AssertionError")


@pytest.mark.parametrize("path", ["/x", "/usr/x", "/etc/x", "/dev/x", str(Path(sys.prefix) / "x")])
def test_nothing_is_written_outside_its_home(run, path):
    assert run(f"open({path!r}, 'w')") in ("OSError", "PermissionError")


def test_its_home_is_empty_each_time(run):
    assert (
        run("open('mine.txt', 'w').write('x'); import os; print(os.listdir('.'))") == "['mine.txt']"
    )
    assert run("import os; print(os.listdir('.'))") == "[]"


def test_it_sees_no_process_but_its_own(run):
    assert run("import os; print(os.getpid(), os.getppid())") == "1 0"


def test_it_cannot_signal_the_warm_process(run, sandbox):
    run("import os, signal; os.kill(-1, signal.SIGKILL)")
    assert run("print('still')") == "still"


def test_memory_files_and_descriptors_end_at_their_limits(run):
    small = Limits(memory=600 << 20, disk=8 << 20, files=50, descriptors=64, cell_seconds=20)
    assert run("x = bytearray(2 << 30)", small) == "MemoryError"
    assert run("open('x', 'wb').write(bytes(64 << 20))", small) == "OSError"
    assert run("for n in range(100): open(str(n), 'w').close()", small) == "OSError"
    assert run("kept = [open('/dev/null') for n in range(100)]", small) == "OSError"


def test_a_fork_bomb_ends_at_its_limit_and_leaves_nothing(run, sandbox):
    before = len(descendants(sandbox.first.pid))
    assert run(FORK_BOMB) == "BlockingIOError"
    assert len(descendants(sandbox.first.pid)) == before


def test_what_it_started_ends_with_it(run, sandbox):
    before = len(descendants(sandbox.first.pid))
    run("import subprocess; subprocess.Popen(['sleep', '600'], start_new_session=True)")
    time.sleep(0.2)
    assert len(descendants(sandbox.first.pid)) == before


def test_an_endless_cell_is_stopped_and_the_next_one_runs(run):
    assert run("while True: pass", Limits(cell_seconds=1)) == "TimeUp"


def test_a_cell_that_catches_every_stop_is_given_up(run):
    assert run(DEAF, Limits(cell_seconds=1)) == "slow"


def test_the_warm_process_ends_when_its_worker_is_killed(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True
    ) as worker:
        warm = int(worker.stdout.readline())
        everyone = [warm, *descendants(warm)]
        worker.send_signal(signal.SIGKILL)
    assert left_of(everyone) == []


def test_a_lost_warm_process_is_told():
    one = Sandbox(View())
    os.killpg(one.first.pid, signal.SIGKILL)
    with pytest.raises(SandboxLost, match="run the command again") as lost:
        one.process(RUNNER, Limits())
        one.wait(1, 5)
    assert str(pickle.loads(pickle.dumps(lost.value))) == str(
        lost.value
    )  # as it comes from another machine
    one.close()


def test_a_question_whose_process_somebody_kills_is_asked_again(sandbox, monkeypatch):
    asked, ask = [], Channel.ask

    def after_a_kill(channel, question, seconds):
        asked.append(question)
        if len(asked) < 4:
            os.kill(descendants(sandbox.first.pid)[-1], signal.SIGKILL)
        return ask(channel, question, seconds)

    monkeypatch.setattr(Channel, "ask", after_a_kill)
    question = protocol.Open(b'{"cells": []}')
    opened = sandbox.ask(RUNNER, question, protocol.Opened, Limits(), 30)
    assert opened == protocol.Opened() and len(asked) == 4


def test_where_a_namespace_is_refused_nothing_runs(monkeypatch):
    """The parent cannot set the users of the sandbox: as where a container forbids it."""

    def refuse(pid):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(kernel, "map_users", refuse)
    with pytest.raises(CannotConfine, match="Nothing was run"):
        Sandbox(View())


def test_without_the_library_for_system_calls_nothing_runs(monkeypatch):
    def missing(name, **_):
        raise OSError(f"{name}: cannot open shared object file")

    for cached in (system_calls.written, system_calls._library):
        cached.cache_clear()
    monkeypatch.setattr(ctypes, "CDLL", missing)
    with pytest.raises(CannotConfine, match="libseccomp"):
        Sandbox(View())
    monkeypatch.undo()
    assert system_calls.written()


def listed() -> dict[str, str]:
    """Return the system calls that stay allowed, each with its reason."""
    lines = (Path(__file__).parent / "system_calls.txt").read_text("utf-8").splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def test_the_system_calls_that_stay_allowed_are_those_listed_each_with_its_reason():
    assert set(listed()) == system_calls.allowed_calls() and all(listed().values())


PROBE = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for number in {numbers}:
    ctypes.set_errno(0)
    if libc.syscall(number, -1, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() not in (1, 38):
        print(number)
"""


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers are those of x86-64")
def test_no_other_system_call_is_answered_not_even_one_without_a_name(run):
    allowed = {system_calls.number(name) for name in system_calls.allowed_calls()}
    # Of the kernel's own probes, which it lets past every filter; whoever calls them is ended.
    for_probes = {335, 336}
    assert len(allowed) > 150
    assert run(PROBE.format(numbers=sorted(set(range(600)) - allowed - for_probes))) == ""


def test_a_system_call_that_is_allowed_would_be_seen_by_that_probe(run):
    assert run(PROBE.format(numbers=[39])) == "39"  # getpid


LOCKED = """
import fcntl, os, sqlite3
shared = os.open(os.__file__, os.O_RDONLY)
fcntl.flock(shared, fcntl.LOCK_EX | fcntl.LOCK_NB)
with open(os.__file__, "rb") as other:
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
database = sqlite3.connect("own.db")
database.execute("create table t (a)")
database.commit()
print("free")
"""


def test_a_lock_on_a_file_that_all_read_holds_nobody_up_and_a_database_of_one_s_own_works(run):
    assert run(LOCKED) == "free"


@pytest.mark.parametrize(
    "code",
    [
        "import resource; resource.setrlimit(resource.RLIMIT_CPU, (1, 1))",
        "import resource; resource.prlimit(0, resource.RLIMIT_CPU, (1, 1))",
        "import ctypes; assert ctypes.CDLL(None).prctl(22, 1, 0, 0, 0) == 0",
        "import os; os.memfd_create('x')",
        "import ctypes; assert ctypes.CDLL(None).shmget(0, 4096, 0o1600) >= 0",
        "import ctypes; assert ctypes.CDLL(None).inotify_init() >= 0",
    ],
)
def test_nothing_lets_a_process_have_itself_killed_or_hold_memory_that_nobody_counts(run, code):
    assert run(code) in ("OSError", "ValueError", "PermissionError", "AssertionError")


def test_a_folder_that_is_hidden_is_empty_inside_a_folder_that_is_seen(tmp_path):
    course = Path(sys.prefix) / "share" / "course-that-is-hidden"
    (course / "source").mkdir(parents=True)
    try:
        (course / "source" / "answers.txt").write_text("CANARY")
        question = protocol.Run(f"import os; print(os.listdir({str(course)!r}))", 20)
        with Sandbox(View(hidden=[str(course)])) as one:
            asked = one.ask(RUNNER, question, protocol.Ran, ORDINARY, 30)
        assert "[]" in msgspec.msgpack.decode(asked.outputs)[0]["text"]
    finally:
        shutil.rmtree(course)


SEEN = f"""
from grader.marking import protocol
from grader.sandbox.forkserver import View
from grader.sandbox.limits import Limits
from grader.sandbox.sandbox import Sandbox
with Sandbox(View(preload=["grader.marking.runner"])) as sandbox:
    process = sandbox.process("{RUNNER}", Limits(), expects=protocol.Answer)
    process.channel.ask(protocol.Run("kept = b'x' * (300 << 20)", 20), 60)
    print(process.meter().memory() >> 20)
"""


@pytest.mark.parametrize(
    "as_whom", [[], ["unshare", "--user", "--map-user=1000", "--map-group=1000"]]
)
def test_the_memory_of_a_submission_is_seen_by_an_administrator_and_by_an_ordinary_person(as_whom):
    done = subprocess.run([*as_whom, sys.executable, "-c", SEEN], capture_output=True, text=True)
    assert 300 <= int(done.stdout) < 600, done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "open('big', 'wb').write(b'x' * (150 << 20))",
        "import socket; kept = [socket.socketpair() for _ in range(100)] * 10; print(len(kept))\n"
        "import os\nfor _ in range(7):\n    if os.fork() == 0:\n"
        "        more = [socket.socketpair() for _ in range(20)]\n        import time; "
        "time.sleep(60)",
    ],
)
def test_memory_that_no_process_has_for_its_own_counts_too(sandbox, code):
    process = sandbox.process(RUNNER, ORDINARY, expects=protocol.Answer)
    meter, channel = process.meter(), process.channel
    channel.ask(protocol.Open(b'{"cells": []}'), 60)
    before = meter.memory()
    channel.ask(protocol.Run(code, 60), 300)
    assert meter.memory() - before > 40 << 20
    process.end()


CHILDREN = """
import os
for _ in range(4):
    if os.fork() == 0:
        sum(range(20_000_000))
        os._exit(0)
for _ in range(4):
    os.wait()
"""


def test_processor_time_is_counted_over_all_processes_of_a_submission(sandbox):
    process = sandbox.process(RUNNER, ORDINARY, expects=protocol.Answer)
    meter, channel = process.meter(), process.channel
    channel.ask(protocol.Run("sum(range(20_000_000))", 60), 300)
    one = meter.look()
    channel.ask(protocol.Run(CHILDREN, 60), 300)
    assert meter.look() - one > 2 * one
    process.end()
