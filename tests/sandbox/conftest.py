from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from titrant.sandbox import Sandbox, open_sandbox
from titrant.sandbox.tiers import SANDBOX, obstacle
from titrant.study.limits import Limits

QUICK = Limits(
    cpu_seconds=0.5, memory_bytes=128 * 2**20, file_bytes=8 * 2**20, disk_bytes=16 * 2**20, output_bytes=10_000
)
NAMESPACES = ["bwrap", "--unshare-user", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "true"]


@pytest.fixture(scope="session", params=["bubblewrap", "landlock"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox of each kind that this machine can have, with tight limits."""
    if request.param == "bubblewrap":
        if shutil.which("bwrap") is None:
            pytest.skip("bubblewrap is not installed")
        if subprocess.run(NAMESPACES, stderr=subprocess.DEVNULL).returncode:
            pytest.skip("namespaces are forbidden here")
    if (trouble := obstacle(request.param)) is not None:
        pytest.skip(trouble)
    with ExitStack() as stack:
        # for the opening alone: other tests of this session find what they would find without
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(SANDBOX, request.param)
            opened = stack.enter_context(open_sandbox(QUICK, processes=2))
        assert opened.tier == request.param
        yield opened
