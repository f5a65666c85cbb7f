"""tl2cgen: an XGBoost model as C code, compiled by gcc for this machine: MODEL.json LIBRARY.so"""

import os
import sys

import tl2cgen
import treelite

model = treelite.frontend.load_xgboost_model(sys.argv[1])
tl2cgen.export_lib(model, toolchain="gcc", libpath=sys.argv[2], nthread=os.cpu_count(),
                   params={"parallel_comp": max(1, model.num_tree // 8)},
                   options=["-O3", "-march=native"])
