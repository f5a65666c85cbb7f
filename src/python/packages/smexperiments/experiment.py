from lathe_containers import absent
from smexperiments import records, trial


class Experiment(records.Record):
    WORD, UPDATED = "experiment", ("experiment_name", "description", "display_name")

    @classmethod
    def create(cls, experiment_name=None, description=None, tags=None, sagemaker_boto_client=None):
        return cls._made("create", sagemaker_boto_client, {
            "experiment_name": experiment_name, "description": description, "tags": tags})

    @classmethod
    def load(cls, experiment_name, sagemaker_boto_client=None):
        return cls._made("describe", sagemaker_boto_client, {"experiment_name": experiment_name})

    @classmethod
    def list(cls, created_before=None, created_after=None, sort_by=None, sort_order=None,
             sagemaker_boto_client=None):
        return cls._listed(sagemaker_boto_client, {
            "created_before": created_before, "created_after": created_after, "sort_by": sort_by,
            "sort_order": sort_order})

    def create_trial(self, trial_name=None, trial_name_prefix="SageMakerTrial"):
        return trial.Trial.create(self.experiment_name, trial_name or records.unique(trial_name_prefix),
                                  self.sagemaker_boto_client)

    def list_trials(self, created_before=None, created_after=None, sort_by=None, sort_order=None):
        return trial.Trial.list(self.experiment_name, None, created_before, created_after, sort_by,
                                sort_order, self.sagemaker_boto_client)

    def delete_all(self, action):
        if action != "--force":
            raise ValueError("Must confirm with string '--force' in order to delete the experiment and "
                             "associated trials, trial components.")
        for one in self.list_trials():
            trial.Trial.load(one.trial_name, self.sagemaker_boto_client).delete_all(action)
        self.delete()

    search = absent.function("smexperiments.experiment.Experiment.search", "experiments are not searched")


__getattr__ = absent.of(__name__)
