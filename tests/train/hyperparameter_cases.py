"""Hyperparameters that releases of the container answer differently, and some that all refuse."""

OBJECTIVES = ["binary:logistic", "binary:logitraw", "binary:hinge", "count:poisson", "rank:pairwise", "rank:ndcg",
              "rank:map", "reg:linear", "reg:squarederror", "reg:logistic", "reg:gamma", "reg:pseudohubererror",
              "reg:squaredlogerror", "reg:absoluteerror", "reg:tweedie", "survival:aft", "survival:cox", "reg:nothing"]
METRICS = ["accuracy", "aucpr", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "map", "ndcg", "precision",
           "r2", "recall", "precision_macro", "precision_micro", "recall_macro", "recall_micro", "cox-nloglik",
           "error", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy", "logloss", "mae", "mape",
           "merror", "mlogloss", "mphe", "mse", "poisson-nloglik", "rmse", "rmsle", "tweedie-nloglik", "nonsense",
           "error@0.7", "logloss@0.7"]
UPDATERS = ["grow_colmaker", "distcol", "grow_histmaker", "grow_local_histmaker", "grow_skmaker",
            "grow_quantile_histmaker", "sync", "refresh", "prune", "grow_colmaker,prune", "grow_colmaker,distcol"]
OTHERS = [
    {"silent": "0"}, {"silent": "2"}, {"num_parallel_tree": "2"}, {"save_model_on_termination": "true"},
    {"learning_rate": "0.1"}, {"reg_alpha": "1"}, {"reg_lambda": "1"}, {"min_split_loss": "1"},
    {"_kfold": "3"}, {"_num_cv_round": "2"}, {"_nfold": "3"}, {"sampling_method": "uniform"},
    {"prob_buffer_row": "2"}, {"single_precision_histogram": "true"}, {"deterministic_histogram": "false"},
    {"use_dask_gpu_training": "false"}, {"aft_loss_distribution": "normal"}, {"aft_loss_distribution_scale": "1.5"},
    {"tree_method": "hist", "monotone_constraints": "(1,-1)"},
    {"tree_method": "hist", "interaction_constraints": "[[1,2]]"},
    {"tree_method": "gpu_hist"}, {"tree_method": "exact"}, {"predictor": "gpu_predictor"}, {"predictor": "auto"},
    {"predictor": "cpu_predictor"}, {"unheard_of": "1"}, {"max_dept": "3"}, {"eta": "1.5"}, {"eta": "fast"},
    {"max_depth": "-1"}, {"max_depth": "3.5"}, {"booster": "forest"}, {"dsplit": "row"}, {"seed": "7"},
    {"objective": "multi:softmax"}, {"objective": "multi:softmax", "num_class": "3"},
    {"objective": "reg:squarederror", "eval_metric": "auc"}, {"objective": "binary:logistic", "eval_metric": "auc"},
    {"objective": "binary:logistic", "eval_metric": "aft-nloglik"},
    {"objective": "binary:logistic", "_tuning_objective_metric": "validation:logloss"},
    {"objective": "binary:logistic", "_tuning_objective_metric": "validation:nonsense"},
]
CASES = [{}] + [{"num_round": "2", **case} for case in (
    [{"objective": each} for each in OBJECTIVES]
    + [{"objective": "reg:squarederror", "eval_metric": each} for each in METRICS]
    + [{"updater": each} for each in UPDATERS] + OTHERS)]
