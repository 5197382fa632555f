"""How much slower than the best is what `auto` chooses? Run: python tools/regret.py [TABLE]

On 200 random problems that no table was made from, whatever may be the fastest is timed round by
round; the regret is the time of the chosen over that of the fastest. Beside it stands SciPy's rule
between FFT and dense sum, and whether the policy file agrees with `auto`.
"""

from __future__ import annotations

import argparse
import random
import runpy
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.signal

from blurbench.choice.auto import choose
from blurbench.choice.policy import policy
from blurbench.choice.table import Table, current, read_table
from blurbench.problem import Problem
from blurbench.study.options import Options
from blurbench.study.session import Session
from blurbench.tune.candidates import candidates_of
from blurbench.tune.trials import Trials
from blurbench.tune.tuning import problems

DTYPES, MOST_SAMPLES = ("float32", "float64"), 3 * 4096**2


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("table", nargs="?", type=Path, help="default: this machine's")
    arguments.add_argument("--problems", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=20261123)
    given = arguments.parse_args()
    table = current()[0] if given.table is None else read_table(given.table)
    session = Session(Options(seed=given.seed))
    candidates = [
        one for one in candidates_of(session) if one.implementation.exact and one.place == "host"
    ]
    policy_of = choose_of(table)
    trials = Trials(candidates, session.rng)
    regrets: dict[str, list[float]] = {"auto": [], "scipy.signal.choose_conv_method": []}
    fastest: Counter[str] = Counter()
    agreed = 0
    endless = problems(random.Random(given.seed), DTYPES, MOST_SAMPLES, alone=False)
    for _, problem in zip(range(given.problems), endless, strict=False):
        seconds = {one.implementation.name: one.seconds for one in trials.run(problem)}
        best = min(seconds, key=lambda name: seconds[name])
        fastest[best] += 1
        chosen = choose(problem, table=table).name
        for rule, name in zip(regrets, (chosen, by_scipy(problem)), strict=True):
            if name not in seconds:  # expected to be hopeless: it runs against the best alone
                two = [one for one in candidates if one.implementation.name in (name, best)]
                again = Trials(two, session.rng).run(problem)
                seconds = {one.implementation.name: one.seconds for one in again}
            regrets[rule].append(seconds[name] / seconds[best])
        regret = regrets["auto"][-1]
        agreed += policy_of(problem) == chosen
        if regret > 1.05:
            print(f"{regret:.2f} {describe(problem)}: {chosen}, best {best}", flush=True)
    print("the fastest:", ", ".join(f"{name} {count}" for name, count in fastest.most_common()))
    for rule, found in regrets.items():
        some = np.quantile(found, (0.5, 0.95, 1.0))
        print(
            f"{rule}: regret median {some[0]:.3f}, 95 % {some[1]:.3f}, largest {some[2]:.2f}, "
            f"of {len(found)}"
        )
    print(f"the policy file agrees on {agreed} of {given.problems}")


def choose_of(table: Table) -> Callable[[Problem], str]:
    """What the policy file of a table says."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "choose.py"
        path.write_text(policy(table), encoding="utf-8")
        choose = runpy.run_path(str(path))["choose"]
    return lambda one: choose(
        one.height, one.width, one.channels, one.dtype.name, one.kernel.size, one.kernel.sigma
    )


def by_scipy(problem: Problem) -> str:
    """What SciPy would take for a channel: its FFT or its dense sum."""
    image = np.broadcast_to(np.zeros(1, problem.dtype), problem.shape[:2])
    taps = np.broadcast_to(np.zeros(1, problem.dtype), (problem.kernel.size,) * 2)
    rule = scipy.signal.choose_conv_method(image, taps, mode="same")
    return {"fft": "scipy:fft", "direct": "scipy:direct"}[rule]


def describe(problem: Problem) -> str:
    shape = "x".join(map(str, problem.shape))
    return f"{shape} {problem.dtype}, size {problem.kernel.size}"


if __name__ == "__main__":
    main()
