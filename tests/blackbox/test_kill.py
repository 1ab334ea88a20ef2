"""kill -9 of every role at random instants, the short form of `make kill-long`: nothing is lost, created or
paid twice, no deal stays behind, every job says truthfully how it ended."""
import os

from kills import ROLES, Kills


def test_random_kills():
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")
    k = Kills(seed)
    try:
        k.run(each=5).settle().audit()
    finally:
        k.end()
    print(k.table())
    assert not k.wrong, "\n".join(k.wrong)
    assert all(k.killed[r] == 5 for r in ROLES)
    assert k.figures["jobs done"] > 5
