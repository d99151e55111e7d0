"""dialler check-config."""

from dialler.cli.options import ConfigOption, JsonOption
from dialler.cli.printing import print_json, print_line
from dialler.errors import SettingsError


def check_config(*, config: ConfigOption = None, json: JsonOption = False) -> int:
    """Check the settings for `dialler run`: every mistake at once, with file, key and what was expected.

    Example: `dialler check-config -c dialler.toml`
    """
    from dialler.settings import find_settings, load_settings

    try:
        path = find_settings(config)
        load_settings(path, for_run=True)
    except SettingsError as error:
        if not json:
            raise
        mistakes = [
            {"file": each.file, "key": each.key, "value": each.value, "expected": each.expected}
            for each in error.mistakes
        ]
        print_json({"ok": False, "mistakes": mistakes})
        return 2
    if json:
        print_json({"ok": True, "file": str(path), "mistakes": []})
    else:
        print_line(f"{path}: no mistakes")
    return 0
