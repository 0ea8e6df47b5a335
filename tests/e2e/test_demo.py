"""What `cargo xtask pagure up` shows: the documentation's receiver builds two pull requests."""

from __future__ import annotations

from chela_bed import HELLO, Options, demo, wait_for
from conftest import make_bed, wheel


def test_the_documentations_receiver_turns_the_flags_to_what_the_builds_say() -> None:
    with make_bed(Options(wheel(), name="e2e-demo")) as bed:
        text = demo.play(bed)
        assert bed.url in text
        assert "secret-alice" in text

        def ended() -> list[str]:
            flags = [bed.pull_request_flags(HELLO, request)[0] for request in (1, 2)]
            found = [flag["status"] for flag in flags]
            return [] if "pending" in found else found

        assert wait_for(ended, what="the end of both builds") == ["success", "failure"]
