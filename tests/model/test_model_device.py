"""How the memory of a CPU process is kept."""

import subprocess
import sys

import pytest

ASK = """
import pathlib, re
from titrant.model.device import keep_memory

def heap():
    maps = pathlib.Path("/proc/self/smaps").read_text()
    parts = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", maps, flags=re.MULTILINE)
    heaps = [part for part in parts if "[heap]" in part.partition("\\n")[0]]
    kilobytes = [int(re.search(r"^Size: +(\\d+)", part, re.MULTILINE)[1]) for part in heaps]
    huge = [kb for kb, part in zip(kilobytes, heaps) if re.search(r"^VmFlags:.* hg", part, re.MULTILINE)]
    return sum(kilobytes) // 1024, sum(huge) // 1024

kept = keep_memory()
first = heap()
print(kept, *first, keep_memory() is kept and heap() == first)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is kept through glibc")
def test_the_heap_keeps_its_addresses_marked_for_huge_pages_and_is_asked_once():
    said = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True).stdout.split()
    if said[0] == "False":
        pytest.skip("another C library")
    megabytes, of_them_huge = int(said[1]), int(said[2])
    assert megabytes > 1900
    assert of_them_huge > 1900
    assert said[3] == "True"
