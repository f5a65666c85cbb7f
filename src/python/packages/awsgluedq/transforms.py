"""Transformations that evaluate data quality rules (DQDL), which is not there."""


class EvaluateDataQuality:
    @classmethod
    def apply(cls, *args, **kwargs):
        raise NotImplementedError("EvaluateDataQuality: data quality rules (DQDL) are not there; a script "
                                  "that only moves rows goes on without this call")

    process_rows = apply


class EvaluateDataQualityMultiframe(EvaluateDataQuality):
    """Of several frames: likewise."""
