"""Ctrl-C, SIGTERM and SIGKILL at any moment of a command leave no traceback and no partial file."""

from __future__ import annotations

import json
import os
import pickle
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facerec.factory import open_gallery
from facerec.testing.engine import fake_face, fake_photo
from tests.functional.cli.test_interruption import ROOT
from tests.functional.test_erasing import Installation
from tests.support.job_doors import use_fake_engine
from tests.support.long import mostly_long
from tests.support.moments import EVERY_CALL

PROGRAM = """
import json, os, signal, sys, time
import facerec.cli.calibrate, facerec.cli.collection_transfer, facerec.cli.detect
import facerec.cli.evaluate, facerec.cli.export, facerec.cli.find, facerec.cli.importing
import facerec.cli.match_many, facerec.cli.people_enrol, facerec.cli.rebuild
import facerec.engine.describe.version
import facerec.engine.engine
import facerec.factory.engines
import facerec.factory.local
from facerec.cli.main import main
from facerec.testing.engine import FakeEngine
from tests.support.fake_worker import fake_worker

facerec.factory.local._build_worker = fake_worker
facerec.factory.engines.open_local_engine = lambda *_: FakeEngine()
facerec.engine.engine.open_engine = lambda **_: FakeEngine()
facerec.engine.describe.version.model_version = lambda *_: FakeEngine().model_version
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
calls, running, own = 0, False, 0

def count(frame, event, _):
    global calls, running, moment
    if event != "call":
        return
    running = running or frame.f_code.co_name == "_run"
    if running and os.getpid() == own:
        calls += 1
        if moment in (calls, frame.f_code.co_qualname):
            moment = 0
            signal.raise_signal(sent)

for line in sys.stdin:
    moment, sent, words, said = json.loads(line)
    child = os.fork()
    if not child:
        own = os.getpid()
        with open(said, "w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        sys.argv = ["facerec", *words]
        sys.setprofile(count)
        try:
            main()
        finally:
            sys.setprofile(None)
            with open(said + ".calls", "w") as file:
                file.write(str(calls))
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""
"""The command line with the fake engine, in forked processes that get a signal at a call of Python
functions. Reads lines of the call (its number, or the name of the function), the signal, the
arguments and a file of what the command says; writes the exit codes."""

COMMANDS = {
    "csv": ("find", "{photos}/ann/0.jpg", "--collection", "staff", "--csv", "{out}/found.csv"),
    "html": ("find", "{photos}/ann/0.jpg", "--collection", "staff", "--html", "{out}/found.html"),
    "copies": ("find", "{photos}/ann/0.jpg", "--collection", "staff", "--copy-to", "{out}/copies"),
    "matches": ("match", "{photos}", "--collection", "staff", "--csv", "{out}/matches.csv"),
    "export": ("collections", "export", "staff", "--output", "{out}/all"),
    "data": (
        *("export", "--collection", "staff", "--photo", "{photos}/ann/0.jpg"),
        *("--output", "{out}/ann"),
    ),
    "page": (
        *("evaluate", "{photos}/pairs.csv", "--images", "{photos}"),
        *("--html", "{out}/rates.html", "--overwrite"),
    ),
    "calibration": (
        *("calibrate", "--collection", "staff", "--html", "{out}/own.html", "--overwrite"),
    ),
    "enrol": ("people", "enrol", "{photos}", "--collection", "staff"),
    "verify": ("verify", "staff", "--repair"),
    "erase": ("erase", "--collection", "staff", "--photo", "{photos}/bob/0.jpg", "--yes"),
}
STORES = {
    "import": ("collections", "import", "{photos}/../exported", "--data", "{out}/other"),
    "pickle": (
        *("import", "face-recognition", "{photos}/../faces.pickle", "--collection", "staff"),
        *("--data", "{out}/other"),
    ),
    "rebuild": ("rebuild", "staff", "--data", "{photos}/../original", "--into", "{out}/other"),
    "index": (
        *("index", "{photos}", "--collection", "staff", "--workers", "1"),
        *("--data", "{out}/other"),
    ),
}
"""Commands that fill the store of another data folder."""

SIGNALS = 40 if EVERY_CALL else 3
"""Signals per command."""


class Forks:
    """Runs commands that get a signal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": str(ROOT), "FACEREC_DATA": str(folder / "data")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, name: str, moment: int | str = 0, sent: int = 0) -> tuple[int, str, int]:
        """Return the exit code, the output and the number of calls."""
        places = {"photos": self.folder / "photos", "out": self.folder / "out"}
        words = [word.format_map(places) for word in (COMMANDS | STORES)[name]]
        said = self.folder / "said"
        assert self._process.stdin and self._process.stdout
        print(json.dumps([moment, sent, words, str(said)]), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        calls = Path(f"{said}.calls")
        return code, said.read_text(), int(calls.read_text()) if calls.exists() else 0

    def close(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    folder = tmp_path_factory.mktemp("signals")
    here = Installation(folder)
    with pytest.MonkeyPatch.context() as patch:
        use_fake_engine(patch)
        for person in ("ann", "bob"):
            for shot in range(3):
                path = here.photos / person / f"{shot}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(fake_photo(fake_face(person, shot=shot, away=0.1)))
        result = here.run("index", here.photos, "--collection", "staff", "--workers", 1)
        assert result.exit_code == 0, result.output
        made = here.run("collections", "export", "staff", "--output", folder / "exported")
        assert made.exit_code == 0, made.output
    shutil.copytree(folder / "data", folder / "original")
    named = {"names": ["ann", "bob"], "encodings": [np.full(128, at) for at in (0.11, -0.11)]}
    (folder / "faces.pickle").write_bytes(pickle.dumps(named))
    (here.photos / "pairs.csv").write_text(
        "image_a,image_b,same\nann/0.jpg,ann/1.jpg,1\nann/0.jpg,bob/0.jpg,0\n"
    )
    forks = Forks(folder)
    yield forks
    forks.close()


@pytest.fixture
def out(forks: Forks) -> Iterator[Path]:
    folder = forks.folder / "out"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


def written(folder: Path) -> dict[str, int]:
    """Return the sizes of all files, and their number in folders of exports."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.stat().st_size for path in files}


@pytest.mark.parametrize("name", mostly_long(COMMANDS, 4))
def test_a_command_that_gets_a_signal_ends_in_one_line(name: str, forks: Forks, out: Path) -> None:
    code, said, calls = forks.run(name)
    assert code == 0, said
    complete = written(out)
    chosen = random.Random(name)
    for number in range(SIGNALS):
        shutil.rmtree(out)
        out.mkdir()
        sent = (signal.SIGTERM, signal.SIGINT)[number % 2]
        moment = chosen.randrange(1, calls)
        code, said, _ = forks.run(name, moment, sent)
        where = f"{sent.name} at call {moment} of {calls}: {said}"
        assert code in (0, 130), where
        assert "Traceback" not in said, where
        assert (code == 130) == ("interrupted" in said), where
        left = written(out)
        assert left.keys() <= complete.keys(), where
        assert not [file for file in left if file.endswith(".part")], where
        assert all(abs(left[file] - complete[file]) < 200 for file in left), where


@pytest.mark.parametrize(
    "name",
    mostly_long([name for name in COMMANDS if name not in ("verify", "erase", "enrol")], 3),
)
def test_the_same_command_removes_what_a_killed_one_has_left(
    name: str, forks: Forks, out: Path
) -> None:
    code, said, calls = forks.run(name)
    assert code == 0, said
    complete = written(out)
    chosen = random.Random(name)
    for _ in range(SIGNALS):
        shutil.rmtree(out)
        out.mkdir()
        code, said, _ = forks.run(name, chosen.randrange(calls // 2, calls), signal.SIGKILL)
        assert code == -signal.SIGKILL
        # What has its name is complete, and these commands never replace it.
        done = {file for file in written(out) if "/." not in f"/{file}"}
        assert done <= complete.keys()
        if not done or name == "copies":
            code, said, _ = forks.run(name)
            assert code == 0, said
            assert written(out).keys() == complete.keys()


def stored(data: Path) -> list[str]:
    """Return the ids of the faces of a collection."""
    with open_gallery(data) as gallery:
        return sorted(face.record.face_id for face in gallery.list_faces("staff").faces)


@pytest.mark.parametrize(
    ("name", "moment", "sent"),
    [
        # Python 3.11 replaces what is raised there.
        ("index", "Field.__set_name__", signal.SIGTERM),
        ("index", "LocalJobs.result", signal.SIGKILL),
        ("import", "TransferOperations._import_people", signal.SIGKILL),
        ("import", "_counts", signal.SIGKILL),
        ("rebuild", "_print", signal.SIGKILL),
    ],
)
def test_the_same_command_completes_what_a_signal_ended(
    name: str, moment: str, sent: signal.Signals, forks: Forks, out: Path
) -> None:
    code, said, _ = forks.run(name, moment, sent)
    assert code == (-sent if sent == signal.SIGKILL else 130), said
    assert "Traceback" not in said
    code, said, _ = forks.run(name)
    assert code == 0, said
    assert stored(out / "other") == stored(forks.folder / "original")


@pytest.mark.skipif(not EVERY_CALL, reason="takes minutes; `make chaos` runs it")
@pytest.mark.parametrize("name", STORES)
def test_the_same_command_completes_what_any_signal_ended(
    name: str, forks: Forks, out: Path
) -> None:
    code, said, calls = forks.run(name)
    assert code == 0, said
    complete = stored(out / "other")
    chosen = random.Random(name)
    for number in range(SIGNALS):
        shutil.rmtree(out)
        out.mkdir()
        sent = (signal.SIGTERM, signal.SIGKILL, signal.SIGINT)[number % 3]
        moment = chosen.randrange(1, calls)
        code, said, _ = forks.run(name, moment, sent)
        where = f"{sent.name} at call {moment} of {calls}: {said}"
        assert code in (0, -sent if sent == signal.SIGKILL else 130), where
        assert "Traceback" not in said, where
        code, said, _ = forks.run(name)
        assert code == 0, f"{where}; then: {said}"
        assert stored(out / "other") == complete, where
        left = [path for path in out.rglob("*") if path.name.endswith((".part", ".new"))]
        assert not left, where


REMOVED = """
import signal, time
from facerec.cli.interruption import interruptible

class Removed:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    with interruptible():
        Removed()
        for _ in range(200):
            time.sleep(0.05)
        print("lost")
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_while_python_removes_an_object_ends_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-c", REMOVED],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("interrupted\n", "")
