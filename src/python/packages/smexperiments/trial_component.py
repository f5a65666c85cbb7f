from lathe_containers import absent
from smexperiments import records


class TrialComponent(records.Record):
    WORD = "trial_component"
    UPDATED = ("trial_component_name", "display_name", "status", "start_time", "end_time", "parameters",
               "input_artifacts", "output_artifacts", "parameters_to_remove",
               "input_artifacts_to_remove", "output_artifacts_to_remove")

    @classmethod
    def create(cls, trial_component_name, display_name=None, tags=None, sagemaker_boto_client=None):
        return cls._made("create", sagemaker_boto_client, {
            "trial_component_name": trial_component_name, "display_name": display_name, "tags": tags})

    @classmethod
    def load(cls, trial_component_name, sagemaker_boto_client=None):
        return cls._made("describe", sagemaker_boto_client,
                         {"trial_component_name": trial_component_name})

    @classmethod
    def list(cls, source_arn=None, created_before=None, created_after=None, sort_by=None,
             sort_order=None, sagemaker_boto_client=None, trial_name=None, experiment_name=None,
             max_results=None, next_token=None):
        return cls._listed(sagemaker_boto_client, {
            "source_arn": source_arn, "created_before": created_before, "created_after": created_after,
            "sort_by": sort_by, "sort_order": sort_order, "trial_name": trial_name,
            "experiment_name": experiment_name, "max_results": max_results})

    def list_trials(self):
        from smexperiments.trial import Trial

        return Trial.list(trial_component_name=self.trial_component_name,
                          sagemaker_boto_client=self.sagemaker_boto_client)

    def delete(self, force_disassociate=None):
        for one in self.list_trials() if force_disassociate else ():
            self.sagemaker_boto_client.disassociate_trial_component(
                TrialName=one.trial_name, TrialComponentName=self.trial_component_name)
        return super().delete()

    search = absent.function("smexperiments.trial_component.TrialComponent.search",
                             "trial components are not searched")


__getattr__ = absent.of(__name__)
