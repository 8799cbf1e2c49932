"""Nothing that one system alone has is needed to load a module."""

import ast
from collections.abc import Iterator

import pytest
from packaging_tree import FOLDERS, ROOT

_UNIX_MODULES = {"fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"}
_NOT_EVERYWHERE = {
    *("O_BINARY", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "SIGKILL", "SIGPIPE"),
    *("fork", "geteuid", "getuid", "killpg", "mkfifo", "pread", "pwrite", "setsid", "statvfs"),
    *("sched_getaffinity", "uname"),
}


def _named(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("os", "signal"):
            yield node.attr


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_module_needs_unix(folder: str) -> None:
    needed = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in _named(ast.parse(path.read_text(encoding="utf-8")))
        if name in _UNIX_MODULES | _NOT_EVERYWHERE
    ]
    assert not needed
