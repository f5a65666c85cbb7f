from lathe_containers import absent
from smexperiments import records, trial_component


def _name(component):
    """A component's, its tracker's or its summary's."""
    component = getattr(component, "trial_component", component)
    return str(getattr(component, "trial_component_name", component))


class Trial(records.Record):
    WORD, UPDATED = "trial", ("trial_name", "display_name")

    @classmethod
    def create(cls, experiment_name, trial_name=None, sagemaker_boto_client=None,
               trial_components=None, tags=None):
        made = cls._made("create", sagemaker_boto_client, {
            "trial_name": trial_name or records.unique("Trial"), "experiment_name": experiment_name,
            "tags": tags})
        for component in trial_components or ():
            made.add_trial_component(component)
        return made

    @classmethod
    def load(cls, trial_name, sagemaker_boto_client=None):
        return cls._made("describe", sagemaker_boto_client, {"trial_name": trial_name})

    @classmethod
    def list(cls, experiment_name=None, trial_component_name=None, created_before=None,
             created_after=None, sort_by=None, sort_order=None, sagemaker_boto_client=None):
        return cls._listed(sagemaker_boto_client, {
            "experiment_name": experiment_name, "trial_component_name": trial_component_name,
            "created_before": created_before, "created_after": created_after, "sort_by": sort_by,
            "sort_order": sort_order})

    def add_trial_component(self, tc):
        self.sagemaker_boto_client.associate_trial_component(
            TrialName=self.trial_name, TrialComponentName=_name(tc))

    def remove_trial_component(self, tc):
        self.sagemaker_boto_client.disassociate_trial_component(
            TrialName=self.trial_name, TrialComponentName=_name(tc))

    def list_trial_components(self, **given):
        return trial_component.TrialComponent.list(
            trial_name=self.trial_name, sagemaker_boto_client=self.sagemaker_boto_client, **given)

    def delete_all(self, action):
        if action != "--force":
            raise ValueError("Must confirm with string '--force' in order to delete the trial and "
                             "associated trial components.")
        for one in self.list_trial_components():
            trial_component.TrialComponent.load(
                one.trial_component_name, self.sagemaker_boto_client).delete(force_disassociate=True)
        self.delete()

    search = absent.function("smexperiments.trial.Trial.search", "trials are not searched")


__getattr__ = absent.of(__name__)
