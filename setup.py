"""What is installed: the folders of the repository, as packages below ``priot``.

In a checkout the links in priot/ say the same. They are not used here, since Git on Windows may
leave them out.
"""

import re
from pathlib import Path

from setuptools import find_packages, setup

FOLDERS = ("numba_cache", "sim", "kernels", "experiments", "firmware_elf", "plots")


def readme() -> str:
    """README.md without links and pictures that lead nowhere outside the repository."""
    text = Path("README.md").read_text(encoding="utf-8")
    text = re.sub(r"!\[[^]]*\]\((?!https?:)[^)]*\)\n+", "", text)
    return re.sub(r"\[([^]]+)\]\((?!https?:|#)[^)]*\)", r"\1", text)


setup(
    packages=[
        "priot",
        *(
            f"priot.{package}"
            for package in find_packages(include=[*FOLDERS, *(f"{name}.*" for name in FOLDERS)])
        ),
    ],
    package_dir={"priot": "priot"} | {f"priot.{folder}": folder for folder in FOLDERS},
    long_description=readme(),
    long_description_content_type="text/markdown",
)
