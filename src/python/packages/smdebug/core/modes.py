import enum


class ModeKeys(enum.Enum):
    TRAIN = 1
    EVAL = 2
    PREDICT = 3
    GLOBAL = 4
