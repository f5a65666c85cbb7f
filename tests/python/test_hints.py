"""Names that Python and libraries have dropped: what each library that the tests have really raises."""

import pathlib
import sys

import pytest

sys.path.append(str(pathlib.Path(__file__).parent.parent.parent / "src/python/packages"))
import lathe_hints

GONE = {
    "print 'a'": "print(...)",
    "if True: print 'a'": "print(...)",
    "exec 'a'": "exec(...)",
    "try:\n    pass\nexcept ValueError, error:\n    pass": "except Error as name",
    "raise ValueError, 'a'": "raise Error(text)",
    "a = 1 <> 2": "!=",
    "a = `1`": "repr(...)",
    "a = 10L": "the number without L",
    "a = 0777": "0o...",
    "def f((a, b)): pass": "one name, and its parts in the body",
    "unicode(1)": "str",
    "raw_input()": "input",
    "reduce(max, [1])": "functools.reduce",
    "import cPickle": "pickle",
    "from StringIO import StringIO": "io.StringIO or io.BytesIO",
    "from itertools import izip": "zip",
    "from urllib import urlencode": "urllib.parse.urlencode",
    "import urllib; urllib.urlopen('a')": "urllib.request.urlopen",
    "import string; string.letters": "string.ascii_letters",
    "{}.has_key(1)": "key in dictionary",
    "{}.iteritems()": "items()",
    "'a'.decode('utf-8')": "the text as it is",
    "import sys; sys.maxint": "sys.maxsize",
    "iter([]).next()": "next(iterator)",
    "map(str, [1])[0]": "list(...)",
    "{}.keys().sort()": "list(...)",
    "range(10 / 2)": "//",
    "from collections import Mapping": "collections.abc.Mapping",
    "import time; time.clock()": "time.perf_counter",
    "import numpy as np; np.int(1)": "int or np.int64",
    "import numpy as np; np.object": "object",
    "import numpy as np; np.product([1])": "np.prod",
    "import numpy as np; np.trapz([1])": "np.trapezoid",
    "from scipy.misc import imread": "imageio.imread",
    "from scipy.integrate import simps": "scipy.integrate.simpson",
    "from scipy.stats import binom_test": "scipy.stats.binomtest",
    "import pandas as pd; pd.Series([1]).append(pd.Series([1]))": "pd.concat",
    "import pandas as pd; pd.DataFrame().ix[0]": ".loc for labels",
    "import pandas as pd; pd.DataFrame().as_matrix()": "to_numpy()",
    "import pandas as pd; pd.DataFrame().applymap(str)": "map()",
    "from pandas.io.json import json_normalize": "pd.json_normalize",
    "import pandas as pd; pd.datetime": "datetime.datetime",
    "import pandas as pd; pd.np": "import numpy as np",
    "import pandas as pd; pd.Int64Index": "pd.Index",
    "from pandas.util.testing import assert_frame_equal": "pandas.testing",
    "import pandas as pd; pd.read_csv('a', error_bad_lines=False)": "on_bad_lines",
    "import pandas as pd; pd.read_csv('a', delim_whitespace=True)": "sep=",
    "import pandas as pd; pd.DataFrame().to_csv(line_terminator='a')": "lineterminator",
    "import pandas as pd; pd.DataFrame().fillna(method='ffill')": "ffill()",
    "import sklearn.datasets; sklearn.datasets.load_boston()": "fetch_california_housing",
    "from sklearn.cross_validation import KFold": "sklearn.model_selection",
    "from sklearn.ensemble.forest import RandomForestClassifier": "sklearn.ensemble",
    "from sklearn.preprocessing import Imputer": "sklearn.impute.SimpleImputer",
    "from sklearn.metrics import plot_roc_curve": "RocCurveDisplay.from_estimator",
    "from sklearn.metrics import mean_squared_error as m; m([1], [2], squared=False)":
        "root_mean_squared_error",
    "from sklearn.linear_model import Ridge; Ridge(normalize=True)": "StandardScaler",
    "from sklearn.ensemble import BaggingClassifier as B; B(base_estimator=None)": "estimator",
    "from sklearn.tree import DecisionTreeRegressor as T; T(criterion='mse').fit([[1]], [1])":
        "'squared_error'",
    "from sklearn.ensemble import RandomForestClassifier as F\n"
    "F(max_features='auto').fit([[1], [2]], [1, 0])": "'sqrt' for a classifier",
    "import xgboost; xgboost.XGBRegressor().fit([[1]], [1], eval_metric='mae')":
        "XGBRegressor(eval_metric=...)",
    "import xgboost; xgboost.rabit": "xgboost.collective",
    "from xgboost.callback import early_stop": "EarlyStopping",
    "import xgboost; xgboost.train({}, xgboost.DMatrix([[1]], label=[1]), feval=print)":
        "custom_metric",
    "import xgboost; xgboost.Booster().__setstate__({'handle': bytearray(200)})":
        "save_model('model.json')",
    "import xgboost; xgboost.train({'tree_method': 'gpu_hist'}, xgboost.DMatrix([[1]], label=[1]))":
        "device='cuda'"}
OTHERS = ("a = [1,", "import a_module_that_nobody_has", "undefined", "1 / 0", "{}.nothing()", "int('a')",
          "import pandas as pd; pd.DataFrame().nothing", "print(1) if else 2", "raise ValueError(1, 2",
          "raise SystemError('print a')")


def raised(script):
    with pytest.raises(Exception) as caught:
        exec(compile(script, "script.py", "exec"), {})
    return caught.value


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("script", GONE)
def test_what_replaces_it_is_told(script):
    hint = lathe_hints.of(raised(script))
    assert hint and "gone since" in hint
    assert GONE[script] in hint.split("what replaces it: ")[1]


@pytest.mark.parametrize("script", OTHERS)
def test_nothing_is_told_of_other_errors(script):
    assert lathe_hints.of(raised(script)) is None


class IllegalArgumentException(Exception):
    """As pyspark has it."""


@pytest.mark.parametrize("words", [  # of writes to s3a://BUCKET and s3a://BUCKET/, by Spark 4.0.1
    "path is relative", "Can not create a Path from an empty string"])
def test_a_bucket_alone_is_told(words):
    assert "s3://BUCKET/FOLDER/" in lathe_hints.of(IllegalArgumentException(words))


def test_a_module_whose_package_has_another_name_is_told():
    assert lathe_hints.of(ModuleNotFoundError("No module named 'skimage'", name="skimage.io")).endswith(
        f"{sys.executable} -m pip install scikit-image")
