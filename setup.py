"""Lists the packages: pyproject.toml cannot search for them and add `configs/`. Everything else is there."""

from setuptools import find_namespace_packages, setup

setup(packages=[*find_namespace_packages(include=["multimodal*", "data_loaders*"]), "multimodal.configs"])
