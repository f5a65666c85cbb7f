"""What is to be said of an error beyond its own words. Mostly its cause is a name that Python or a
library has dropped since a script was written: since which version it is gone, and what replaces it. A
row of these tables is what is gone, since when, what to write instead, and which words of an error mean
it."""

import re


def _patterns(*rows):
    return [(name, since, instead, re.compile(words)) for name, since, instead, words in rows]


def _attributes(of, words, since, names):
    return [(f"{of}{name}", since, instead, rf"{words} has no attribute '{re.escape(name)}'")
            for name, instead in names.items()]


def _modules(since, names):
    return [(f"the module {name}", since, instead, rf"No module named '{re.escape(name)}'")
            for name, instead in names.items()]


def _imports(module, since, names):
    return [(f"{module}.{name}", since, instead,
             rf"cannot import name '{name}' from '{re.escape(module)}|"
             rf"module '{re.escape(module)}' has no attribute '{name}'")
            for name, instead in names.items()]


def _arguments(of, since, names):
    return [(f"the argument {name} of {of}", since, instead,
             rf"\b{re.escape(of)}(?:\.__init__)?\(\) got an unexpected keyword argument '{name}'")
            for name, instead in names.items()]


PYTHON_2 = "Python 3.0"

# ---- Python 2, by the line that Python 3 cannot read ----

LINES = [(name, PYTHON_2, instead, re.compile(words)) for name, instead, words in (
    ("the print statement", "print(...)", r"^\s*print\s+[^=(]|^\s*print\s*>>|[:;]\s*print\s+[^=(]"),
    ("the exec statement", "exec(...)", r"^\s*exec\s+[^=(]"),
    ("`except Error, name`", "except Error as name", r"^\s*except\s+[^:]*,\s*\w+\s*:"),
    ("`raise Error, text`", "raise Error(text)", r"^\s*raise\s+[\w.]+\s*,"),
    ("`...` in backticks", "repr(...)", r"`"),
    ("the operator <>", "!=", r"<>"),
    ("integers that end with L", "the number without L", r"\b\d+[lL]\b"),
    ("octal numbers that begin with 0", "0o...", r"leading zeros in decimal integer"),
    ("texts with ur", "r'...'", r"\b[uU][rR]['\"]"),
    ("a tuple as an argument of def or lambda", "one name, and its parts in the body",
     r"^\s*def\s+\w+\(.*\(|lambda\s*\("))]

# ---- Python 2's names, and those that Python 3 has dropped since ----

NAMES = {"xrange": "range", "unicode": "str", "basestring": "str", "raw_input": "input", "long": "int",
         "unichr": "chr", "reduce": "functools.reduce", "reload": "importlib.reload",
         "execfile": "exec(open(path).read())", "file": "open", "cmp": "(a > b) - (a < b)",
         "apply": "function(*arguments)", "buffer": "memoryview", "intern": "sys.intern",
         "coerce": "a conversion of your own"}

PYTHON = _patterns(
    *[(f"the name {name}", PYTHON_2, instead, rf"^NameError: name '{name}' is not defined")
      for name, instead in NAMES.items()],
    *_modules(PYTHON_2, {
        "cPickle": "pickle", "StringIO": "io.StringIO or io.BytesIO",
        "cStringIO": "io.StringIO or io.BytesIO", "urllib2": "urllib.request and urllib.error",
        "urlparse": "urllib.parse", "ConfigParser": "configparser", "Queue": "queue",
        "httplib": "http.client", "cookielib": "http.cookiejar", "HTMLParser": "html.parser",
        "BaseHTTPServer": "http.server", "SimpleHTTPServer": "http.server",
        "SocketServer": "socketserver", "commands": "subprocess", "__builtin__": "builtins",
        "copy_reg": "copyreg", "thread": "threading", "sets": "set", "md5": "hashlib",
        "Tkinter": "tkinter", "anydbm": "dbm", "xmlrpclib": "xmlrpc.client"}),
    *_imports("itertools", PYTHON_2, {"izip": "zip", "imap": "map", "ifilter": "filter",
                                      "izip_longest": "itertools.zip_longest"}),
    *_imports("urllib", PYTHON_2, {
        "urlopen": "urllib.request.urlopen", "urlretrieve": "urllib.request.urlretrieve",
        "urlencode": "urllib.parse.urlencode", "quote": "urllib.parse.quote",
        "unquote": "urllib.parse.unquote", "quote_plus": "urllib.parse.quote_plus"}),
    *_imports("string", PYTHON_2, {
        "letters": "string.ascii_letters", "lowercase": "string.ascii_lowercase",
        "uppercase": "string.ascii_uppercase", "maketrans": "str.maketrans",
        "join": "separator.join(parts)"}),
    *_attributes("dict.", "'(?:dict|defaultdict|OrderedDict|Counter)' object", PYTHON_2, {
        "has_key": "key in dictionary", "iteritems": "items()", "itervalues": "values()",
        "iterkeys": "keys()"}),
    *_attributes("sys.", "module 'sys'", PYTHON_2, {"maxint": "sys.maxsize"}),
    *_attributes("os.", "module 'os'", PYTHON_2, {"getcwdu": "os.getcwd()"}),
    *_attributes("str.", "'str' object", PYTHON_2, {
        "decode": "the text as it is, or bytes from a file that is opened with 'rb'"}),
    ("the method next of iterators", PYTHON_2, "next(iterator)",
     r"'(?:generator|map|zip|filter|_csv\.reader|\w*iterator)' object has no attribute 'next'"),
    ("a list as the answer of map, filter, zip and of a dictionary's methods", PYTHON_2,
     "list(...) around it",
     r"'(?:map|filter|zip|dict_keys|dict_values|dict_items)' object is not subscriptable|"
     r"object of type '(?:map|filter|zip)' has no len\(\)|"
     r"'(?:dict_keys|dict_values|dict_items)' object has no attribute 'sort'"),
    ("`/` between integers as an integer", PYTHON_2, "//",
     r"'float' object cannot be interpreted as an integer|"
     r"(?:list|tuple|string) indices must be integers(?: or slices)?, not float"),
    ("writing bytes to a file of text", PYTHON_2, "open(path, 'wb')",
     r"write\(\) argument must be str, not bytes"),
    ("writing text to a file of bytes", PYTHON_2, "open(path, 'w')",
     r"a bytes-like object is required, not 'str'"),
    *_imports("collections", "Python 3.10", {
        name: f"collections.abc.{name}" for name in (
            "Callable", "Container", "Hashable", "Iterable", "Iterator", "Mapping", "MutableMapping",
            "MutableSequence", "MutableSet", "Sequence", "Set", "Sized")}),
    *_imports("time", "Python 3.8", {"clock": "time.perf_counter"}),
    *_imports("fractions", "Python 3.9", {"gcd": "math.gcd"}),
    *_imports("inspect", "Python 3.11", {"getargspec": "inspect.getfullargspec"}),
    *_modules("Python 3.12", {"imp": "importlib", "distutils": "setuptools, or packaging for versions",
                              "asyncore": "asyncio"}),
    *_modules("Python 3.13", {"cgi": "email.message or urllib.parse", "pipes": "shlex",
                              "imghdr": "filetype", "telnetlib": "telnetlib3"}))

# ---- numpy, scipy ----

NUMPY = _patterns(
    *_attributes("np.", "module 'numpy'", "NumPy 1.24", {
        "float": "float or np.float64", "int": "int or np.int64", "bool": "bool or np.bool_",
        "object": "object", "complex": "complex or np.complex128", "str": "str or np.str_",
        "long": "int or np.int64", "unicode": "str or np.str_"}),
    *_attributes("np.", "module 'numpy'", "NumPy 2.0", {
        "product": "np.prod", "cumproduct": "np.cumprod", "sometrue": "np.any", "alltrue": "np.all",
        "msort": "np.sort(..., axis=0)"}),
    *_attributes("np.", "module 'numpy'", "NumPy 2.4", {
        "in1d": "np.isin", "trapz": "np.trapezoid"}),
    *_imports("scipy.misc", "SciPy 1.3", {
        "comb": "scipy.special.comb", "factorial": "scipy.special.factorial",
        "logsumexp": "scipy.special.logsumexp", "imread": "imageio.imread",
        "imresize": "PIL.Image.resize", "imsave": "imageio.imwrite"}),
    *_imports("scipy.integrate", "SciPy 1.14", {
        "simps": "scipy.integrate.simpson", "trapz": "scipy.integrate.trapezoid"}),
    *_imports("scipy.stats", "SciPy 1.12", {"binom_test": "scipy.stats.binomtest"}))

# ---- pandas ----

FRAME = "'(?:DataFrame|Series)' object"
PANDAS = _patterns(
    *_attributes("DataFrame.", FRAME, "pandas 2.0", {
        "append": "pd.concat([frame, other])", "iteritems": "items()", "mad":
        "(frame - frame.mean()).abs().mean()", "lookup": "frame.to_numpy()[rows, columns]"}),
    *_attributes("DataFrame.", FRAME, "pandas 1.0", {
        "ix": ".loc for labels, .iloc for positions", "as_matrix": "to_numpy()",
        "get_value": ".at[row, column]", "set_value": ".at[row, column] = value",
        "convert_objects": "infer_objects() or pd.to_numeric", "from_csv": "pd.read_csv"}),
    *_attributes("DataFrame.", FRAME, "pandas 0.20", {"sort": "sort_values()"}),
    *_attributes("DataFrame.", FRAME, "pandas 3.0", {"applymap": "map()"}),
    ("pd.io.json.json_normalize", "pandas 2.0", "pd.json_normalize",
     r"cannot import name 'json_normalize' from 'pandas\.io\.json|"
     r"module 'pandas\.io\.json(?:\._json)?' has no attribute 'json_normalize'"),
    *_imports("pandas", "pandas 2.0", {
        "datetime": "datetime.datetime", "np": "import numpy as np", "Int64Index": "pd.Index",
        "Float64Index": "pd.Index", "UInt64Index": "pd.Index"}),
    *_imports("pandas", "pandas 0.25", {"Panel": "a MultiIndex, or xarray"}),
    *_imports("pandas", "pandas 0.23", {
        "rolling_mean": ".rolling(...).mean()", "rolling_std": ".rolling(...).std()"}),
    *_imports("pandas", "pandas 3.0", {"value_counts": "Series.value_counts"}),
    ("pandas.util.testing", "pandas 2.0", "pandas.testing",
     r"No module named 'pandas\.util\.testing'|module 'pandas\.util' has no attribute 'testing'"),
    *_modules("pandas 0.23", {"pandas.tools.plotting": "pandas.plotting"}),
    *_arguments("read_csv", "pandas 2.0", {
        "error_bad_lines": "on_bad_lines='skip'", "warn_bad_lines": "on_bad_lines='warn'",
        "squeeze": "read_csv(...).squeeze('columns')", "prefix": "names, or add_prefix",
        "mangle_dupe_cols": "nothing: it is so"}),
    *_arguments("read_csv", "pandas 3.0", {"delim_whitespace": r"sep=r'\s+'"}),
    ("the argument line_terminator of to_csv", "pandas 2.0", "lineterminator",
     r"to_csv\(\) got an unexpected keyword argument 'line_terminator'"),
    ("the argument method of fillna", "pandas 3.0", "ffill() or bfill()",
     r"fillna\(\) got an unexpected keyword argument 'method'"))

# ---- scikit-learn ----

SKLEARN = _patterns(
    ("sklearn.datasets.load_boston", "scikit-learn 1.2",
     "fetch_california_housing, or fetch_openml(name='boston', version=1)", r"load_boston"),
    *_modules("scikit-learn 0.20", {
        "sklearn.cross_validation": "sklearn.model_selection",
        "sklearn.grid_search": "sklearn.model_selection",
        "sklearn.learning_curve": "sklearn.model_selection"}),
    *_modules("scikit-learn 0.19", {
        "sklearn.lda": "sklearn.discriminant_analysis", "sklearn.qda": "sklearn.discriminant_analysis"}),
    *_modules("scikit-learn 0.24", {
        "sklearn.ensemble.forest": "sklearn.ensemble", "sklearn.tree.tree": "sklearn.tree",
        "sklearn.ensemble.gradient_boosting": "sklearn.ensemble",
        "sklearn.linear_model.logistic": "sklearn.linear_model",
        "sklearn.linear_model.stochastic_gradient": "sklearn.linear_model",
        "sklearn.linear_model.base": "sklearn.linear_model", "sklearn.svm.classes": "sklearn.svm",
        "sklearn.cluster.k_means_": "sklearn.cluster", "sklearn.metrics.scorer": "sklearn.metrics",
        "sklearn.metrics.classification": "sklearn.metrics",
        "sklearn.preprocessing.data": "sklearn.preprocessing",
        "sklearn.preprocessing.label": "sklearn.preprocessing",
        "sklearn.preprocessing.imputation": "sklearn.impute",
        "sklearn.feature_selection.base": "sklearn.feature_selection",
        "sklearn.neighbors.base": "sklearn.neighbors", "sklearn.utils.testing": "numpy.testing",
        "sklearn.utils.linear_assignment_": "scipy.optimize.linear_sum_assignment"}),
    *_imports("sklearn.preprocessing", "scikit-learn 0.22", {"Imputer": "sklearn.impute.SimpleImputer"}),
    *_imports("sklearn.preprocessing", "scikit-learn 0.20", {
        "CategoricalEncoder": "OneHotEncoder or OrdinalEncoder"}),
    *_imports("sklearn.mixture", "scikit-learn 0.20", {
        "GMM": "GaussianMixture", "DPGMM": "BayesianGaussianMixture"}),
    *_imports("sklearn.decomposition", "scikit-learn 0.20", {
        "RandomizedPCA": "PCA(svd_solver='randomized')"}),
    *_imports("sklearn.metrics", "scikit-learn 1.2", {
        "plot_confusion_matrix": "ConfusionMatrixDisplay.from_estimator",
        "plot_roc_curve": "RocCurveDisplay.from_estimator",
        "plot_precision_recall_curve": "PrecisionRecallDisplay.from_estimator"}),
    *_imports("sklearn.metrics", "scikit-learn 0.23", {"jaccard_similarity_score": "jaccard_score"}),
    ("get_feature_names", "scikit-learn 1.2", "get_feature_names_out()",
     r"object has no attribute 'get_feature_names'(?!_)"),
    ("n_features_", "scikit-learn 1.2", "n_features_in_", r"object has no attribute 'n_features_'"),
    *_arguments("OneHotEncoder", "scikit-learn 1.4", {"sparse": "sparse_output"}),
    *_arguments("OneHotEncoder", "scikit-learn 0.22", {
        "categorical_features": "a ColumnTransformer", "n_values": "categories"}),
    ("the argument squared of mean_squared_error", "scikit-learn 1.6", "root_mean_squared_error",
     r"unexpected keyword argument 'squared'"),
    *[row for model in ("LinearRegression", "Ridge", "Lasso", "ElasticNet", "LassoCV", "RidgeCV",
                        "ElasticNetCV", "Lars", "LassoLars")
      for row in _arguments(model, "scikit-learn 1.2", {
          "normalize": "make_pipeline(StandardScaler(with_mean=False), model)"})],
    *[row for model in ("AdaBoostClassifier", "AdaBoostRegressor", "BaggingClassifier",
                        "BaggingRegressor", "RFE")
      for row in _arguments(model, "scikit-learn 1.4", {"base_estimator": "estimator"})],
    *[row for model in ("SGDClassifier", "SGDRegressor", "Perceptron")
      for row in _arguments(model, "scikit-learn 0.21", {"n_iter": "max_iter"})],
    ("the argument min_impurity_split", "scikit-learn 1.0", "min_impurity_decrease",
     r"unexpected keyword argument 'min_impurity_split'"),
    ("the argument presort", "scikit-learn 0.24", "nothing", r"unexpected keyword argument 'presort'"),
    *_arguments("AgglomerativeClustering", "scikit-learn 1.4", {"affinity": "metric"}),
    *_arguments("LogisticRegression", "scikit-learn 1.8", {
        "multi_class": "OneVsRestClassifier(LogisticRegression()) for 'ovr', else nothing"}),
    ("the criterion 'mse'", "scikit-learn 1.2", "'squared_error'",
     r"'criterion' parameter of \w+ must be .* Got 'mse'"),
    ("the criterion 'mae'", "scikit-learn 1.2", "'absolute_error'",
     r"'criterion' parameter of \w+ must be .* Got 'mae'"),
    ("the loss 'ls'", "scikit-learn 1.2", "'squared_error'", r"'loss' parameter of .* Got 'ls'"),
    ("the loss 'deviance'", "scikit-learn 1.3", "'log_loss'", r"'loss' parameter of .* Got 'deviance'"),
    ("the loss 'log'", "scikit-learn 1.3", "'log_loss'", r"'loss' parameter of .* Got 'log'"),
    ("max_features='auto'", "scikit-learn 1.3", "'sqrt' for a classifier, 1.0 for a regressor",
     r"'max_features' parameter of .* Got 'auto'"))

# ---- XGBoost ----

XGBOOST = _patterns(
    *[(f"the argument {name} of fit()", "XGBoost 2.1",
       f"XGBClassifier({name}=...) or XGBRegressor({name}=...)",
       rf"XGB\w+\.fit\(\) got an unexpected keyword argument '{name}'")
      for name in ("early_stopping_rounds", "eval_metric", "callbacks")],
    ("the argument ntree_limit of predict()", "XGBoost 2.0", "iteration_range=(0, n)",
     r"predict\w*\(\) got an unexpected keyword argument 'ntree_limit'"),
    ("best_ntree_limit", "XGBoost 2.0", "best_iteration + 1", r"no attribute 'best_ntree_limit'"),
    *_imports("xgboost", "XGBoost 2.0", {"rabit": "xgboost.collective"}),
    *_modules("XGBoost 2.0", {"xgboost.rabit": "xgboost.collective"}),
    *_imports("xgboost.callback", "XGBoost 1.6", {
        "print_evaluation": "EvaluationMonitor", "early_stop": "EarlyStopping",
        "record_evaluation": "the argument evals_result of train",
        "reset_learning_rate": "LearningRateScheduler"}),
    ("callbacks that are plain functions", "XGBoost 1.6", "a class of xgboost.callback.TrainingCallback",
     r"callback must be an instance of `TrainingCallback`|must be a subclass of .*TrainingCallback"),
    ("the argument feval of train()", "XGBoost 3.0", "custom_metric",
     r"train\(\) got an unexpected keyword argument 'feval'"),
    ("pickled Boosters of an old XGBoost", "XGBoost 3.1",
     "save_model('model.json') where the XGBoost that wrote the pickle can load it",
     r"Check failed: header\[0\] == '{' |Invalid serialization file"),
    ("tree_method gpu_hist", "XGBoost 3.1", "tree_method='hist' with device='cuda'",
     r"Invalid Input: 'gpu_hist'"))

# ---- the SDK of SageMaker ----

SDK = _patterns(
    *_imports("sagemaker", "sagemaker 2.0", {"s3_input": "sagemaker.inputs.TrainingInput",
                                             "RealTimePredictor": "sagemaker.predictor.Predictor"}),
    *_imports("sagemaker.amazon.amazon_estimator", "sagemaker 2.0", {
        "get_image_uri": "sagemaker.image_uris.retrieve"}),
    *_imports("sagemaker.predictor", "sagemaker 2.0", {
        "csv_serializer": "sagemaker.serializers.CSVSerializer()",
        "json_serializer": "sagemaker.serializers.JSONSerializer()",
        "csv_deserializer": "sagemaker.deserializers.CSVDeserializer()",
        "json_deserializer": "sagemaker.deserializers.JSONDeserializer()",
        "RealTimePredictor": "sagemaker.predictor.Predictor"}))

TABLE = PYTHON + NUMPY + PANDAS + SKLEARN + XGBOOST + SDK

# ---- names that our own stand-ins lack ----

STAND_INS = ("sagemaker_containers", "sagemaker_training", "sagemaker_inference", "smdebug",
             "sagemaker_xgboost_container", "sagemaker_sklearn_container", "smexperiments",
             "sagemaker_algorithm_toolkit")
STAND_IN = re.compile(
    r"cannot import name '(?P<name>\w+)' from '(?P<module>(?P<package>{0})[\w.]*)'|"
    r"No module named '(?P<whole>(?P<owner>{0})\.[\w.]+)'".format("|".join(STAND_INS)))


def _is_ours(package):
    import os
    import sys

    where = getattr(sys.modules.get(package), "__file__", None) or ""
    return os.path.dirname(os.path.dirname(where)) == os.path.dirname(os.path.abspath(__file__))


def _of_stand_in(said):
    found = STAND_IN.search(said)
    package = found and (found["package"] or found["owner"])
    if not package or not _is_ours(package):
        return None
    from lathe_containers import absent

    return absent.sentence(found["whole"] or f"{found['module']}.{found['name']}", package)


# ---- modules whose package has another name ----

PACKAGES = {"sklearn": "scikit-learn", "skimage": "scikit-image", "yaml": "PyYAML", "PIL": "pillow",
            "cv2": "opencv-python-headless", "bs4": "beautifulsoup4", "dateutil": "python-dateutil",
            "dotenv": "python-dotenv", "Crypto": "pycryptodome", "OpenSSL": "pyOpenSSL",
            "jwt": "PyJWT", "umap": "umap-learn", "imblearn": "imbalanced-learn",
            "psycopg2": "psycopg2-binary",
            "MySQLdb": "mysqlclient", "attr": "attrs", "google.protobuf": "protobuf"}


def _of_module(error):
    name = (getattr(error, "name", None) or "") if isinstance(error, ModuleNotFoundError) else ""
    package = PACKAGES.get(name) or PACKAGES.get(name.split(".")[0])
    if not package:
        return None
    import sys

    return (f"install it into the Python that runs the scripts: {sys.executable} -m pip install "
            f"{package}")


# ---- a bucket alone as a path of Hadoop's ----

BUCKET = re.compile(r"IllegalArgumentException: (path is relative|Can not create a Path from an empty string|"
                    r".*Relative path in absolute URI: s3)")


def _of_bucket(said):
    if not BUCKET.search(said):
        return None
    return "Hadoop's S3A takes a bucket alone for no folder: write below it, to s3://BUCKET/FOLDER/"


# ---- which it is ----


def _find(table, said):
    for name, since, instead, words in table:
        if words.search(said):
            return f"{name}: gone since {since}; what replaces it: {instead}"
    return None


def of(error):
    """A sentence about an exception; None: it is about nothing of the kind."""
    if isinstance(error, SyntaxError):
        return _find(LINES, f"{error.text or ''}\n{error.msg}")
    said = f"{type(error).__name__}: {error}"
    return _of_stand_in(said) or _find(TABLE, said) or _of_module(error) or _of_bucket(said)
