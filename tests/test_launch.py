"""Workers: order, slots, and that none outlives the command that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from mrcl_bench.engine.launch import NOT_STARTED, Unit, _Running, _stop_all, execute
from mrcl_bench.engine.request import Request
from mrcl_bench.engine.slots import Slot
from mrcl_bench.errors import EXIT_RESUMABLE
from mrcl_bench.spec import Recipe

RECIPE = Recipe(
    kind="recipe",
    algorithm="toy",
    display="Toy",
    backbone="toy",
    profiles=("micro",),
    data="own:toy",
    role="method",
    source="mrcl",
)
TELL = "import sys, time, pathlib; log = pathlib.Path(sys.argv[1]).parent.parent / 'order'\n"


def _unit(root: Path, name: str, code: str, needs: tuple[Unit, ...] = ()) -> Unit:
    """A unit whose worker runs some Python; argv[1] is its request file."""

    class Fake(Unit):
        def command(self, request_file: Path) -> list[str]:
            return [sys.executable, "-c", code, str(request_file)]

    request = Request(kind="pretrain", profile="micro", recipe=RECIPE, root=root, threads=3)
    return Fake(request, root / name, list(needs))


def _execute(units: list[Unit], slots: int = 2) -> list[tuple[str, int]]:
    ended: list[tuple[str, int]] = []
    execute(
        units,
        slots,
        Console(quiet=True),
        lambda unit, code: ended.append((unit.folder.name, code)),
    )
    return ended


def test_exit_codes_reach_the_callback(tmp_path: Path) -> None:
    units = [_unit(tmp_path, str(code), f"raise SystemExit({code})") for code in (0, 1, 7)]
    assert sorted(_execute(units)) == [("0", 0), ("1", 1), ("7", 7)]
    assert [unit.state for unit in units] == ["done", "failed", "failed"]


def test_output_goes_to_the_log(tmp_path: Path) -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr)"
    unit = _unit(tmp_path, "talks", code)
    _execute([unit])
    assert sorted(unit.log.read_text().split()) == ["err", "out"]


def test_needs_come_first_and_order_is_kept(tmp_path: Path) -> None:
    def code(name: str) -> str:
        return TELL + f"time.sleep(0.1)\nwith log.open('a') as f: f.write('{name} ')"

    first = _unit(tmp_path, "first", code("first"))
    last = _unit(tmp_path, "last", code("last"), (first,))
    middle = _unit(tmp_path, "middle", code("middle"))
    _execute([last, first, middle], slots=1)
    assert (tmp_path / "order").read_text().split() == ["first", "last", "middle"]


def test_a_failed_need_fails_what_depends_on_it(tmp_path: Path) -> None:
    bad = _unit(tmp_path, "bad", "raise SystemExit(1)")
    child = _unit(tmp_path, "child", "", (bad,))
    grandchild = _unit(tmp_path, "grandchild", "", (child,))
    other = _unit(tmp_path, "other", "")
    ended = dict(_execute([bad, child, grandchild, other]))
    assert ended == {"bad": 1, "child": NOT_STARTED, "grandchild": NOT_STARTED, "other": 0}
    assert not child.folder.exists()


@pytest.mark.parametrize("slots", [1, 3])
def test_slots_bound_the_workers(tmp_path: Path, slots: int) -> None:
    code = TELL + (
        "with log.open('a') as f: f.write('+')\n"
        "time.sleep(0.15)\n"
        "with log.open('a') as f: f.write('-')"
    )
    _execute([_unit(tmp_path, f"u{index}", code) for index in range(5)], slots)
    alive = most = 0
    for sign in (tmp_path / "order").read_text():
        alive += 1 if sign == "+" else -1
        most = max(most, alive)
    assert alive == 0
    assert most == slots if slots == 1 else 1 <= most <= slots


def test_workers_get_their_threads(tmp_path: Path) -> None:
    unit = _unit(tmp_path, "u", "import os; print(os.environ['OMP_NUM_THREADS'])")
    _execute([unit])
    assert unit.log.read_text().strip() == "3"


def test_workers_keep_what_they_freed_unless_the_user_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MALLOC_TRIM_THRESHOLD_", raising=False)
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "65536")
    names = "'MALLOC_TRIM_THRESHOLD_', 'MALLOC_MMAP_THRESHOLD_'"
    unit = _unit(tmp_path, "u", f"import os; print(*(os.environ[name] for name in ({names})))")
    _execute([unit])
    assert unit.log.read_text().strip() == "1073741824 65536"


def test_slots_are_handed_out_to_one_worker_at_a_time(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys, time; time.sleep(0.3)\n"
        "print(os.environ['CUDA_VISIBLE_DEVICES'], *sorted(os.sched_getaffinity(0)))\n"
        "file = pathlib.Path(sys.argv[1]).parent.parent / os.environ['CUDA_VISIBLE_DEVICES']\n"
        "for end in ('+', '-'):\n"
        "    with file.open('a') as f: f.write(end)\n"
        "    time.sleep(0.2)"
    )
    cores = sorted(os.sched_getaffinity(0))
    slots = [Slot(("3", "5"), (cores[0],)), Slot(("7",), (cores[-1],))]
    units = [_unit(tmp_path, f"u{index}", code) for index in range(5)]
    execute(units, slots, Console(quiet=True), lambda unit, code: None)
    said = {unit.log.read_text().strip() for unit in units}
    # a plain process does not need the second GPU of its slot
    assert said == {f"3 {cores[0]}", f"7 {cores[-1]}"}
    for name in ("3", "7"):
        text = (tmp_path / name).read_text()
        assert text == "+-" * (len(text) // 2)
    assert len((tmp_path / "3").read_text() + (tmp_path / "7").read_text()) == 10


def test_several_processes_get_all_gpus_of_their_slot(tmp_path: Path) -> None:
    unit = _unit(tmp_path, "u", "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])")
    unit.request = unit.request.model_copy(update={"launcher": "pytorch", "gpus": 2})
    execute([unit], [Slot(("3", "5"))], Console(quiet=True), lambda unit, code: None)
    assert unit.log.read_text().strip() == "3,5"


@pytest.mark.parametrize("code", [3, 71, -9])
def test_of_several_processes_the_first_failures_code_counts(tmp_path: Path, code: int) -> None:
    """torchrun, the real one, ends with 1 whatever its processes said."""
    pytest.importorskip("torch")
    end = f"os.kill(os.getpid(), {-code})" if code < 0 else f"sys.exit({code})"
    script = tmp_path / "fails.py"
    script.write_text(
        f"import os, sys, time\nif os.environ['RANK'] == '1':\n    {end}\ntime.sleep(60)\n"
    )

    class Two(Unit):
        def command(self, request_file: Path) -> list[str]:
            *torchrun, _, _, _ = super().command(request_file)
            return [*torchrun, str(script)]

    request = Request(
        kind="pretrain", profile="micro", recipe=RECIPE, root=tmp_path, launcher="pytorch", gpus=2
    )
    assert _execute([Two(request, tmp_path / "two")]) == [("two", code)]


def test_progress_of_a_worker_elsewhere_is_read_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from io import StringIO

    code = (
        "import os, pathlib, sys, time\n"
        "from mrcl_bench.engine.progress import FD_VARIABLE, report\n"
        "from mrcl_bench.engine import orphan, state\n"
        "assert FD_VARIABLE not in os.environ and orphan.PARENT_VARIABLE not in os.environ\n"
        "assert os.environ['MASTER_ADDR'] == 'first' and int(os.environ['MASTER_PORT'])\n"
        "state._THROTTLE_SECONDS = 0.1\n"
        "with state.kept(pathlib.Path(sys.argv[1]).parent, 't'):\n"
        "    report(77, 300, 'steps'); time.sleep(2.5)"
    )
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.setattr("mrcl_bench.engine.launch.allocation", lambda: "first")
    unit = _unit(tmp_path, "u", code)
    unit.request = unit.request.model_copy(update={"launcher": "slurm", "gpus": 2, "nodes": 3})
    text = StringIO()
    execute([unit], 1, Console(file=text, force_terminal=True, width=100), lambda u, c: None)
    assert unit.state == "done", unit.log.read_text()
    assert "77/300" in text.getvalue()


@pytest.mark.parametrize(("launcher", "wanted"), [("none", "15"), ("slurm", "10")])
def test_srun_is_stopped_by_the_signal_that_it_hands_on(
    tmp_path: Path, launcher: str, wanted: str
) -> None:
    code = (
        "import pathlib, signal, sys, time\n"
        "def stop(number, frame): print(number); sys.exit(130)\n"
        "for number in (10, 15): signal.signal(number, stop)\n"
        "pathlib.Path(sys.argv[1]).with_name('ready').touch(); time.sleep(60)"
    )
    unit = _unit(tmp_path, "u", code)
    unit.request = unit.request.model_copy(update={"launcher": launcher, "gpus": 2})
    live = _Running(unit, Slot())
    deadline = time.monotonic() + 30
    while not (unit.folder / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    _stop_all({live.pipe: live})
    assert unit.log.read_text().strip() == wanted


def test_progress_from_a_worker_is_shown_and_breaks_nothing(tmp_path: Path) -> None:
    from io import StringIO

    code = (
        "import time; from mrcl_bench.engine.progress import report\n"
        "for step in range(300): report(step + 1, 300, 'steps')\n"
        "time.sleep(0.6)"
    )
    text = StringIO()
    console = Console(file=text, force_terminal=True, width=100)
    execute([_unit(tmp_path, "u", code)], 1, console, lambda unit, code: None)
    assert "300/300" in text.getvalue()


def test_the_terminal_is_restored_after_a_defect_in_the_callback(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM)
    slow = _unit(tmp_path, "slow", "import time; time.sleep(60)")
    quick = _unit(tmp_path, "quick", "")

    def defect(unit: Unit, code: int) -> None:
        raise ValueError("defect")

    begun = time.monotonic()
    with pytest.raises(ValueError, match="defect"):
        execute([slow, quick], 2, Console(quiet=True), defect)
    assert time.monotonic() - begun < 30
    assert signal.getsignal(signal.SIGTERM) is before


PARENT = """
import signal
import sys
from pathlib import Path
from rich.console import Console
from mrcl_bench.engine import launch
from mrcl_bench.errors import BenchError
from tests.test_launch import _unit

launch._GRACE_SECONDS = 1.0
# a suite started in the background inherits an ignored SIGINT
signal.signal(signal.SIGINT, signal.default_int_handler)
root = Path(sys.argv[1])
units = [_unit(root, f"u{index}", Path(sys.argv[2]).read_text()) for index in range(3)]
try:
    launch.execute(units, 2, Console(quiet=True), lambda unit, code: None)
except BenchError as error:
    print(error.cure)
    sys.exit(error.exit_code)
"""
PATIENT = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"])
pathlib.Path(sys.argv[1]).with_name("pids").write_text(f"{os.getpid()} {child.pid} ")
time.sleep(120)
"""
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + PATIENT


ORPHAN = (
    "from mrcl_bench.engine.orphan import watch_parent; watch_parent()\n"
    + """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1]).with_name("pids").write_text(f"{os.getpid()} ")
time.sleep(120)
"""
)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"  # an adopted zombie is as good as gone


@pytest.mark.parametrize("worker", [PATIENT, DEAF], ids=["patient", "deaf"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_stops_all_and_leaves_no_process(
    tmp_path: Path, number: signal.Signals, worker: str
) -> None:
    parent, pids = _started(tmp_path, worker)
    assert len(pids) == 4
    parent.send_signal(number)
    out, _ = parent.communicate(timeout=30)
    assert parent.returncode == EXIT_RESUMABLE
    assert "goes on from here" in out
    assert not (tmp_path / "u2").exists()
    _assert_gone(pids)
    assert os.getpid() not in pids


def test_a_second_signal_waits_for_nobody_and_leaves_no_process(tmp_path: Path) -> None:
    parent, pids = _started(tmp_path, DEAF, grace=100.0)
    parent.send_signal(signal.SIGTERM)
    time.sleep(0.5)
    assert parent.poll() is None  # it waits for the workers
    parent.send_signal(signal.SIGTERM)
    parent.communicate(timeout=10)
    assert parent.returncode != 0
    _assert_gone(pids)


def test_no_worker_outlives_a_command_that_is_killed(tmp_path: Path) -> None:
    parent, pids = _started(tmp_path, ORPHAN)
    assert len(pids) == 2
    parent.kill()
    parent.communicate(timeout=10)
    _assert_gone(pids)


def _started(
    root: Path, worker: str, grace: float = 1.0
) -> tuple[subprocess.Popen[str], list[int]]:
    """A command with two live workers, and the ids of all their processes."""
    script = root / "worker.py"
    script.write_text(worker)
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("1.0", str(grace)), str(root), str(script)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    files = [root / f"u{index}/pids" for index in range(2)]
    deadline = time.monotonic() + 60
    while not all(file.exists() and file.read_text().endswith(" ") for file in files):
        assert time.monotonic() < deadline
        assert parent.poll() is None
        time.sleep(0.05)
    pids = [int(pid) for file in files for pid in file.read_text().split()]
    assert all(_alive(pid) for pid in pids)
    return parent, pids


def _assert_gone(pids: list[int]) -> None:
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert [pid for pid in pids if _alive(pid)] == []
