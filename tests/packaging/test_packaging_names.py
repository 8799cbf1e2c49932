"""Every file has one name, below ``priot``: under a second one it would be loaded twice.

From the repository's root ``import sim`` works too, so nothing but these tests keeps it out.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_FOLDERS = sorted(link.name for link in (_ROOT / "priot").iterdir() if link.is_symlink())
_DOCUMENTS = [*_ROOT.glob("*.md"), *(_ROOT / "docs").glob("*.md"), _ROOT / "Makefile"]


def _modules_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)


def test_the_folders_are_linked() -> None:
    packages = {path.parent.name for path in _ROOT.glob("*/__init__.py")}
    assert set(_FOLDERS) == packages - {"priot", "benchmarks"}


@pytest.mark.parametrize("folder", [*_FOLDERS, "tests", "benchmarks"])
def test_code_imports_from_priot(folder: str) -> None:
    bare = [
        f"{path.relative_to(_ROOT)}: {module}"
        for path in sorted((_ROOT / folder).rglob("*.py"))
        for module in _modules_of(path)
        if module.split(".")[0] in _FOLDERS
    ]
    assert not bare


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.name)
def test_documents_import_from_priot(document: Path) -> None:
    names = "|".join(_FOLDERS)
    bare = rf"^\s*(?:from|import) (?:{names})\b.*|.*-m (?:{names})\b.*"
    assert not re.findall(bare, document.read_text(encoding="utf-8"), re.MULTILINE)
