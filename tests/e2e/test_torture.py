"""A short form of torture.py: faults of every kind over a running workload, then every row compared."""

import os
import time

from torture import Torture, servers

SEED = int(os.environ.get("MILLRACE_SEED", "0")) or int(time.time())
SECONDS = int(os.environ.get("MILLRACE_TORTURE_SECONDS", "15"))


def test_faults_at_random_lose_and_double_nothing(directory):
    print(f"seed {SEED}: MILLRACE_SEED={SEED} replays the faults")
    with servers(directory / "servers") as (standin, postgres):
        t = Torture(directory, standin, postgres, SEED)
        try:
            t.torture(faults=1000, seconds=SECONDS, say=print)
            print(*t.report(), sep="\n")
        finally:
            t.close()
