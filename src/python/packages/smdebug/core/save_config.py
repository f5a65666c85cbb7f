"""At which steps tensors are saved."""

from smdebug.core.modes import ModeKeys
from smdebug.exceptions import SMDebugTypeError, SMDebugValueError

MEMBERS = ("save_interval", "save_steps", "start_step", "end_step")


class SaveConfigMode:
    def __init__(self, save_interval=None, start_step=None, end_step=None, save_steps=None):
        self.save_interval = 500 if save_interval is None else int(save_interval)
        self.start_step = 0 if start_step is None else int(start_step)
        self.end_step = None if end_step is None else int(end_step)
        self.save_steps = [] if save_steps is None else save_steps
        if not (isinstance(self.save_steps, list) and
                all(isinstance(step, int) for step in self.save_steps)):
            raise SMDebugValueError(f"save_steps={self.save_steps} must be type(list(int))")

    def to_json_dict(self):
        return {name: getattr(self, name) for name in MEMBERS}

    @classmethod
    def from_dict(cls, params, default_values=None):
        if params is None:
            return None
        return cls(**{name: params.get(name, (default_values or {}).get(name)) for name in MEMBERS})

    def should_save_step(self, step_num):
        return step_num in self.save_steps or (
            step_num >= self.start_step and (self.end_step is None or step_num < self.end_step) and
            step_num % self.save_interval == 0)

    def __eq__(self, other):
        return isinstance(other, SaveConfigMode) and self.to_json_dict() == other.to_json_dict()

    def __repr__(self):
        return f"SaveConfigMode({self.to_json_dict()})"


class SaveConfig:
    """One SaveConfigMode a mode."""

    def __init__(self, mode_save_configs=None, save_interval=None, start_step=None, end_step=None,
                 save_steps=None):
        own = mode_save_configs or {
            mode: SaveConfigMode(save_interval, start_step, end_step, save_steps) for mode in ModeKeys}
        for mode, value in own.items():
            if not isinstance(mode, ModeKeys) or not isinstance(value, (SaveConfigMode, type(None))):
                raise SMDebugValueError(f"Each key,value in mode_save_configs={own} must be of type "
                                        "ModeKey,SaveConfigMode")
        self.mode_save_configs = {mode: own.get(mode) for mode in ModeKeys}

    def get_save_config(self, mode):
        return self.mode_save_configs[mode]

    def set_save_config(self, mode, save_config_mode):
        self.mode_save_configs[mode] = save_config_mode

    def should_save_step(self, mode, step_num):
        return self.mode_save_configs[mode].should_save_step(step_num)

    def merge_default_save_config(self, default_save_config):
        for mode, value in self.mode_save_configs.items():
            if value is None:
                self.mode_save_configs[mode] = (default_save_config.mode_save_configs[mode] or
                                                SaveConfigMode())

    def to_json_dict(self):
        return {mode.name: value.to_json_dict() if value else None
                for mode, value in self.mode_save_configs.items()}

    @classmethod
    def from_dict(cls, params, default_values=None):
        if params is None:
            return None
        return cls({ModeKeys[mode] if isinstance(mode, str) else mode:
                    SaveConfigMode.from_dict(value, default_values) if isinstance(value, dict) else value
                    for mode, value in params.items()})

    @classmethod
    def parse(cls, obj):
        if obj is None or isinstance(obj, SaveConfig):
            return obj or cls()
        if isinstance(obj, SaveConfigMode):
            return cls({mode: obj for mode in ModeKeys})
        if isinstance(obj, dict):
            return cls.from_dict(obj)
        raise SMDebugTypeError(f"obj={obj} cannot be parsed into a SaveConfig object")

    def __eq__(self, other):
        return isinstance(other, SaveConfig) and self.mode_save_configs == other.mode_save_configs

    def __repr__(self):
        return f"SaveConfig({self.mode_save_configs})"
