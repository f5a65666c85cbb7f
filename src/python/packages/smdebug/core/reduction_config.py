"""What of a tensor is saved; XGBoost's hook saves tensors whole."""


class ReductionConfig:
    def __init__(self, reductions=None, abs_reductions=None, norms=None, abs_norms=None,
                 save_raw_tensor=False, save_shape=False):
        self.reductions, self.abs_reductions = reductions or [], abs_reductions or []
        self.norms, self.abs_norms = norms or [], abs_norms or []
        self.save_raw_tensor, self.save_shape = save_raw_tensor, save_shape

    def to_json_dict(self):
        names = [*self.reductions, *(f"{norm}_norm" for norm in self.norms),
                 *(f"abs_{name}" for name in self.abs_reductions),
                 *(f"abs_{norm}_norm" for norm in self.abs_norms)]
        return {"save_raw_tensor": self.save_raw_tensor, "reductions": ",".join(names),
                "save_shape": self.save_shape}
