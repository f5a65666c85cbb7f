"""LightGBM's own trees of a size: TRAIN.npy (the label first) TREES DEPTH MODEL.txt"""

import pathlib
import sys

import lightgbm
import numpy as np

table = np.load(sys.argv[1])
trees, depth = int(sys.argv[2]), int(sys.argv[3])
booster = lightgbm.train({"objective": "regression", "num_leaves": 2**depth, "max_depth": depth,
                          "min_data_in_leaf": 1, "verbosity": -1, "seed": 1},
                         lightgbm.Dataset(table[:, 1:], table[:, 0]), trees)
booster.save_model(sys.argv[4])
print(pathlib.Path(lightgbm.__file__).parent / "lib/lib_lightgbm.so")
print(sum(tree["num_leaves"] for tree in booster.dump_model()["tree_info"]) / booster.num_trees())
