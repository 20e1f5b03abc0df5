"""Scripts that change the index's tables."""

from __future__ import annotations

import pytest

from trunkline.store.sqlite.schema import migrations, numbered


def test_every_script_is_taken() -> None:
    assert 1 in migrations()


def test_two_scripts_of_one_number_are_refused() -> None:
    with pytest.raises(ValueError, match="0002"):
        numbered({"0001_tables.sql": "a", "0002_this.sql": "b", "0002_that.sql": "c"})
