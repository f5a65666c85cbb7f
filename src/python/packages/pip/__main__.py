import pathlib
import runpy
import sys
import sysconfig


def _wheel():
    """Distributions may have moved the wheel that ensurepip would install."""
    try:
        import ensurepip
    except ImportError:
        return None
    folders = [pathlib.Path(ensurepip.__file__).parent / "_bundled"]
    moved = sysconfig.get_config_var("WHEEL_PKG_DIR")
    if moved:
        folders.append(pathlib.Path(moved))
    return next((wheel for folder in folders for wheel in folder.glob("pip-*.whl")), None)


wheel = _wheel()
if wheel is None:
    sys.exit(f"ERROR: {sys.executable} has no pip")
sys.path.insert(0, str(wheel))
del sys.modules["pip"]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
