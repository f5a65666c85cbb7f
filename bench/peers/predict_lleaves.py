"""lleaves: a LightGBM model compiled by LLVM: MODEL.txt batch|row LIBRARY.so

As its documentation has it for each use: blocks of trees that fit the cache for batches, none for
single rows. Single precision, which is faster and needs no conversion of the rows."""

import os
import subprocess
import sys

import lleaves

model = lleaves.Model(model_file=sys.argv[1])
blocks = {"fblocksize": model.num_trees()} if sys.argv[2] == "row" else {}
model.compile(cache=sys.argv[3] + ".o", raw_score=True, use_fp64=False, **blocks)
subprocess.run([os.environ.get("CC", "cc"), "-shared", "-o", sys.argv[3], sys.argv[3] + ".o",
                "-lm"], check=True)
