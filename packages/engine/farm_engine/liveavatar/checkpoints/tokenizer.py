"""The published tokenizer of umt5-xxl."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from farm_engine.liveavatar.checkpoints.errors import WeightsWrongError
from farm_engine.protocol.host_memory import out_of_host_memory

_END_TOKEN = "</s>"


def load_tokenizer(path: Path) -> Tokenizer:
    """The published `google/umt5-xxl/tokenizer.json`.

    Raises WeightsWrongError when the file is not a tokenizer or does not end a text with `</s>`, as the model expects.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises bare Exception
        if out_of_host_memory(error):
            raise
        raise WeightsWrongError(path, f"it is not a readable tokenizer ({error})") from error
    if tokenizer.encode("a").ids[-1:] != [tokenizer.token_to_id(_END_TOKEN)]:
        raise WeightsWrongError(path, f"it does not end a text with {_END_TOKEN}, as umt5-xxl's tokenizer does")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
