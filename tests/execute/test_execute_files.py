"""Hashes of files: those of their bytes, in little memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from blake3 import blake3

from titrant.execute.files import _BLOCK_BYTES, hash_file


@pytest.mark.parametrize("size", [0, 1, _BLOCK_BYTES - 1, _BLOCK_BYTES, _BLOCK_BYTES + 1, 3 * _BLOCK_BYTES + 17])
def test_the_hash_of_a_file_is_that_of_its_bytes(tmp_path: Path, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    path = tmp_path / "file"
    path.write_bytes(content)
    assert hash_file(path) == blake3(content).hexdigest()
