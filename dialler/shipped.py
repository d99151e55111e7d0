"""Where the files are that come with the engine: `dialler/config` once installed, `config` in a checkout."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def shipped_config(name: str) -> Traversable:
    """Return the shipped file or folder of that name, such as "timezones/us.toml".

    It need not exist: ask `is_file()`. Raises ValueError for a name that leads out of the folder.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\\" in part for part in parts):
        raise ValueError(f"expected the name of a file below config/, got {name!r}")
    packaged = files("dialler") / "config"
    root: Traversable = packaged if packaged.is_dir() else Path(__file__).parent.parent / "config"
    return root.joinpath(*parts)
