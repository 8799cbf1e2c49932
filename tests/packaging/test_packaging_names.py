"""Every file has one name, below ``priot``: under a second one it would be loaded twice.

From the repository's root ``import sim`` works too, so nothing but these tests keeps it out.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging_tree import FOLDERS, ROOT

_DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "Makefile"]


def _modules_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield str(node.module)


def test_the_folders_are_linked() -> None:
    links = [path for path in (ROOT / "priot").iterdir() if path.is_symlink()]
    if not links:
        pytest.skip("Git left the links out: core.symlinks is off, as often on Windows")
    assert sorted(link.name for link in links) == FOLDERS
    assert all(link.resolve() == ROOT / link.name for link in links)


@pytest.mark.parametrize("folder", [*FOLDERS, "tests", "benchmarks"])
def test_code_imports_from_priot(folder: str) -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for module in _modules_of(path)
        if module.split(".")[0] in FOLDERS
    ]
    assert not bare


@pytest.mark.parametrize("document", _DOCUMENTS, ids=lambda path: path.name)
def test_documents_import_from_priot(document: Path) -> None:
    names = "|".join(FOLDERS)
    bare = rf"^\s*(?:from|import) (?:{names})\b.*|.*-m (?:{names})\b.*"
    assert not re.findall(bare, document.read_text(encoding="utf-8"), re.MULTILINE)
