from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models

from farm_engine.liveavatar.checkpoints.tokenizer import load_tokenizer
from farm_engine.protocol import EngineError


@pytest.mark.parametrize("content", [b"{", b"not json"])
def test_an_unreadable_tokenizer_is_named(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(EngineError, match="not a readable tokenizer") as failure:
        load_tokenizer(path)
    assert failure.value.code == "weights-wrong"


def test_a_tokenizer_without_end_token_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    Tokenizer(models.BPE(vocab={"a": 0, "</s>": 1}, merges=[])).save(str(path))
    with pytest.raises(EngineError, match="does not end a text"):
        load_tokenizer(path)


def test_a_host_without_memory_is_not_the_files_fault(tmp_path, monkeypatch):
    class FullHost:
        @staticmethod
        def from_file(path):
            raise MemoryError

    monkeypatch.setattr("farm_engine.liveavatar.checkpoints.tokenizer.Tokenizer", FullHost)
    with pytest.raises(MemoryError):
        load_tokenizer(tmp_path / "tokenizer.json")
