"""The list of mutations keeps up with the source."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from tests.mutations.catalog import MUTATIONS
from tests.mutations.mutation import SOURCE, Mutation

PACKAGE = Path(__file__).parents[2]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.breaks)
def test_each_mutation_changes_one_place_into_other_valid_code(mutation: Mutation):
    original = (PACKAGE / SOURCE / mutation.file).read_text()
    assert ast.dump(ast.parse(mutation.changed(PACKAGE))) != ast.dump(ast.parse(original))
    assert [test for test in mutation.tests if not (PACKAGE / test).is_file()] == []


def test_no_two_mutations_have_one_name():
    counts = Counter(mutation.breaks for mutation in MUTATIONS)
    assert [name for name, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("text", ["a = 0\n", "a = 1\nb = 1\n"])
def test_a_text_that_is_not_there_exactly_once_is_refused(tmp_path, text):
    (tmp_path / SOURCE).mkdir()
    (tmp_path / SOURCE / "file.py").write_text(text)
    with pytest.raises(ValueError, match="not once"):
        Mutation(breaks="one", file="file.py", old="= 1", new="= 2", tests=()).changed(tmp_path)
