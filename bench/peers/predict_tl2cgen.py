"""tl2cgen: an XGBoost model as C code, compiled by gcc for this machine, or for one
that has no more than a path of lathe's needs: MODEL.json LIBRARY.so best|avx2|word"""

import os
import sys

import tl2cgen
import treelite

FLAGS = {"best": ["-march=native"], "avx2": ["-march=native", "-mno-avx512f"],
         "word": ["-march=x86-64"]}
model = treelite.frontend.load_xgboost_model(sys.argv[1])
tl2cgen.export_lib(model, toolchain="gcc", libpath=sys.argv[2], nthread=os.cpu_count(),
                   params={"parallel_comp": max(1, model.num_tree // 8)},
                   options=["-O3", *FLAGS[sys.argv[3]]])
