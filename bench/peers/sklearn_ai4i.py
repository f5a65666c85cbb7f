"""AI4I from raw CSV to an evaluated model as a Python program has it: ROWS.csv PARAMETERS MODEL.

Prints the quality on rows that were not trained on as JSON."""

import json
import sys

import numpy
import xgboost
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_curve, roc_auc_score
from sklearn.model_selection import train_test_split

import sklearn_features as features

parameters = json.loads(sys.argv[2])
rounds = parameters.pop("num_round")
frame = features.read(sys.argv[1])
labels = frame[features.LABEL].to_numpy()
rest, test = train_test_split(frame, test_size=0.2, random_state=7, stratify=labels)
train, validation = train_test_split(rest, test_size=0.125, random_state=7,
                                     stratify=rest[features.LABEL])
transformer = features.transformer().fit(train)
matrices = [xgboost.DMatrix(transformer.transform(part), part[features.LABEL])
            for part in (train, validation, test)]
booster = xgboost.train(parameters, matrices[0], rounds,
                        evals=[(matrices[0], "train"), (matrices[1], "validation")],
                        verbose_eval=False)
booster.save_model(sys.argv[3])

precision, recall, limits = precision_recall_curve(validation[features.LABEL],
                                                   booster.predict(matrices[1]))
f1 = 2 * precision * recall / numpy.maximum(precision + recall, 1e-9)
scores, truth = booster.predict(matrices[2]), test[features.LABEL].to_numpy()
said = scores >= limits[f1[:-1].argmax()]
print(json.dumps({"f1": f1_score(truth, said), "auc": roc_auc_score(truth, scores),
                  "confusion": confusion_matrix(truth, said).tolist()}))
