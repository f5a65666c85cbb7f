"""lleaves: a LightGBM model compiled by LLVM: MODEL.txt batch|row LIBRARY.so best|avx2|word

As its documentation has it for each use: blocks of trees that fit the cache for batches, none for
single rows. Single precision, which is faster and needs no conversion of the rows. For this CPU, or for one that
has no more than a path of lathe's needs."""

import os
import subprocess
import sys

import lleaves
from llvmlite import binding

# What LLVM is told of the CPU: its name would bring back what the features leave out.
if sys.argv[4] != "best":
    features = binding.get_host_cpu_features()
    kept = {name: there for name, there in features.items()
            if sys.argv[4] == "avx2" and not name.startswith(("avx512", "avx10", "amx"))}
    features.clear()
    features.update(kept)
    binding.get_host_cpu_features = lambda: features
    binding.get_host_cpu_name = lambda: "x86-64"
model = lleaves.Model(model_file=sys.argv[1])
blocks = {"fblocksize": model.num_trees()} if sys.argv[2] == "row" else {}
model.compile(cache=sys.argv[3] + ".o", raw_score=True, use_fp64=False, **blocks)
subprocess.run([os.environ.get("CC", "cc"), "-shared", "-o", sys.argv[3], sys.argv[3] + ".o",
                "-lm"], check=True)
