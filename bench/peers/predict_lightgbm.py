"""LightGBM's own trees of a size: TRAIN.npy (the label first) TREES DEPTH MODEL.txt [CATEGORIES]

The first CATEGORIES columns (default: none) are categories."""

import pathlib
import sys

import lightgbm
import numpy as np

table = np.load(sys.argv[1])
trees, depth = int(sys.argv[2]), int(sys.argv[3])
categories = list(range(int(sys.argv[5]) if len(sys.argv) > 5 else 0))
booster = lightgbm.train({"objective": "regression", "num_leaves": 2**depth, "max_depth": depth,
                          "min_data_in_leaf": 1, "verbosity": -1, "seed": 1},
                         lightgbm.Dataset(table[:, 1:], table[:, 0], categorical_feature=categories),
                         trees)
booster.save_model(sys.argv[4])
print(pathlib.Path(lightgbm.__file__).parent / "lib/lib_lightgbm.so")
print(sum(tree["num_leaves"] for tree in booster.dump_model()["tree_info"]) / booster.num_trees())
