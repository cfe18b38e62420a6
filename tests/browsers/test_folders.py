"""What a host that was killed left on the disk goes when the next one starts its Chromium."""

import subprocess
import sys
from pathlib import Path

from browsers import folders

MAKES = "from browsers import folders; print(folders.make('downloads'))"


def test_folders_of_the_dead_go_and_those_of_the_living_stay(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    dead = Path(
        subprocess.run([sys.executable, "-c", MAKES], check=True, capture_output=True, text=True).stdout.strip()
    )
    (dead / "half").write_bytes(b"of a file")
    mine, strange = Path(folders.make("uploads")), tmp_path / "grove-browser-of-somebody"
    strange.mkdir()

    folders.forget_dead()

    assert [each.exists() for each in (dead, mine, strange)] == [False, True, True]
    assert mine.stat().st_mode & 0o777 == 0o700
    monkeypatch.undo()
