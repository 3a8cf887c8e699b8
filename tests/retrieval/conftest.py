"""The small workspaces of the dashboard's tests."""

from tests.dashboard.conftest import embedded_root, tagged_root, tiny

__all__ = ["embedded_root", "tagged_root", "tiny"]
