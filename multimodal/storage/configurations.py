"""The configurations that ship with the package, found by name from any working directory."""

from __future__ import annotations

from pathlib import Path

from data_loaders.errors import ConfigError, nearest

# Inside an installed package; in a checkout they lie beside it, in `configs/`.
_FOLDERS = (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs")


def list_configs() -> list[str]:
    """Return the names of the shipped configurations, sorted."""
    return sorted(path.stem for path in _folder().glob("*.yaml"))


def find_config(config: str | Path) -> Path:
    """Return the YAML file of a configuration.

    Args:
        config: the name of a shipped configuration, such as `sample`, or a file. `configs/NAME.yaml` names a shipped
            one where there is no such file.

    Raises:
        ConfigError: there is no such configuration; the message names the nearest and lists all.
    """
    path, names = Path(config), list_configs()
    is_name = path.name == str(path) and not path.suffix
    if (is_name or (not path.is_file() and path.parent == Path("configs"))) and path.stem in names:
        return _folder() / f"{path.stem}.yaml"
    if path.is_file():
        return path
    if is_name:
        raise ConfigError(
            f"configuration {str(config)!r} does not exist.{nearest(path.name, names)} "
            f"Known: {', '.join(names)}; or give a YAML file."
        )
    files = sorted(other.name for other in path.parent.glob("*.yaml"))
    hint = nearest(path.name, files or [f"{name}.yaml" for name in names])
    listed = f" Files in {path.parent}: {', '.join(files)}." if files else ""
    raise ConfigError(f"configuration {str(config)!r} does not exist.{hint}{listed} Known by name: {', '.join(names)}.")


def _folder() -> Path:
    return next((folder for folder in _FOLDERS if folder.is_dir()), _FOLDERS[0])
