"""The same bits on any x86-64 processor with FMA: what BLAS and numpy pick by the processor has no say in an episode.

One without (before 2013), or another C library, may differ: sines and cosines are the C library's, in MuJoCo too.
"""

import ast
import functools
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ENVS = Path(__file__).parents[2] / "envs"
WITH_FMA = {"OPENBLAS_CORETYPE": "Haswell"}
PROCESSORS = {  # as the libraries are told
    "with other kernels of BLAS": {"OPENBLAS_CORETYPE": "Nehalem"},
    "without numpy's vector instructions": {
        **WITH_FMA,
        "NPY_DISABLE_CPU_FEATURES": " ".join(np.show_config(mode="dicts")["SIMD Extensions"]["found"]),
    },
}
TASKS = ("PegInsertion", "ToteTransfer", "BinPicking")
PLAYED = """
import hashlib, sys
import numpy as np
from shopfloor.demos.collect import Collector
from shopfloor.demos.operators.fleet import Fleet
from shopfloor.envs import DEFAULT, TASKS, ShopfloorVectorEnv

def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[:16]

rng = np.random.default_rng(0)
print("BLAS", digest(rng.standard_normal((65, 129)) @ rng.standard_normal((129, 33))))
for name in sys.argv[1:]:
    env = ShopfloorVectorEnv(name, 3, autoreset_mode="Disabled", threads=1)
    seen = [env.reset(seed=0)[0]]
    expert = env.task.expert()
    expert.reset(np.arange(3))
    for _ in range(40):
        seen.append(env.step(expert.act())[0])
    print(name, digest(*seen, env.sim.qpos))
fleet = Fleet("mixed", {"better": 1, "worse": 1})
demos = Collector(TASKS["PegInsertion"], DEFAULT, fleet, sites=range(2), seed=0, lanes=2, threads=1)(0, 2)
print("demonstrations", digest(demos.observations, demos.actions, demos.rewards, demos.bounds))
"""
# what numpy hands to BLAS or LAPACK
BLAS = {"dot", "vdot", "inner", "matmul", "einsum", "tensordot", "matvec", "vecmat", "vecdot"}
BLAS |= {"convolve", "correlate", "cov", "corrcoef", "polyfit", "linalg"}


@functools.cache
def played(processor=None):
    """What each part of an episode comes to, by name, on one of PROCESSORS or on a usual one."""
    told = os.environ | {"OMP_NUM_THREADS": "1"} | (PROCESSORS[processor] if processor else WITH_FMA)
    done = subprocess.run([sys.executable, "-c", PLAYED, *TASKS], env=told, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the processors here are x86-64")
@pytest.mark.parametrize("processor", PROCESSORS)
def test_episodes_and_demonstrations_are_the_same_to_the_bit(processor):
    usual, other = dict(played()), dict(played(processor))
    if usual.pop("BLAS") == other.pop("BLAS") and "BLAS" in processor:
        pytest.skip("numpy's BLAS is no OpenBLAS that obeys OPENBLAS_CORETYPE")
    assert usual.keys() == {*TASKS, "demonstrations"}
    assert other == usual


def left_to_blas(code):
    """Numbers of the lines that leave a product, a length or a system of equations to BLAS."""
    for node in ast.walk(ast.parse(code)):
        product = isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult)
        called = isinstance(node, ast.Attribute) and node.attr in BLAS
        brought = isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("numpy", "scipy"))
        taken = brought and ({alias.name for alias in node.names} & BLAS or "linalg" in node.module)
        if product or called or taken:
            yield node.lineno


def test_no_product_in_the_envs_is_left_to_blas():
    found = [
        f"{path.relative_to(ENVS)}:{line}"
        for path in sorted(ENVS.rglob("*.py"))
        for line in left_to_blas(path.read_text())
    ]
    assert not found, f"left to BLAS: {', '.join(found)}, want sums in a fixed order, as in rotations.py"


@pytest.mark.parametrize(
    "code",
    [
        *("a @ b", "a @= b", "np.dot(a, b)", "a.dot(b)", "np.linalg.norm(a)", "np.einsum('ij,j', a, b)"),
        *("from numpy import matmul", "from scipy.linalg import solve", "from numpy.linalg import inv"),
    ],
)
def test_what_is_left_to_blas_is_found(code):
    assert list(left_to_blas(f"import numpy as np\n{code}")) == [2]
    assert not list(left_to_blas("from shopfloor.envs.rotations import dot\ndot(a, b)"))
