"""The table of statuses and phases is tested against what the services' own models say."""

from __future__ import annotations

from chela_bed.aws.words import differences


def test_the_words_that_the_table_is_tested_with_are_those_of_the_installed_botocore() -> None:
    assert differences() == []
