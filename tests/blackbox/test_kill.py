"""kill -9 of every role at random instants, the short form of `make kills`: nothing is lost, created or
paid twice, no deal stays behind, every job says truthfully how it ended."""
import os

import pytest

from kills import ROLES, Kills


@pytest.mark.parametrize("mix, each", [("plain", 2), ("disputed", 3)])
def test_random_kills(mix, each):
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    k = Kills(seed, mix)
    try:
        k.run(each).settle().audit()
    finally:
        k.end()
    print(k.table())
    assert not k.wrong, "\n".join(k.wrong)
    assert all(k.killed[r] == each for r in ROLES)
    assert k.figures["jobs done"] > 2
