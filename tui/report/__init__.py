"""States for scripts and pipes: as JSON-ready rows, or as a plain table.

Pure: the same states give the same document.
"""

from tui.report.document import cli_error, error_code, rows
from tui.report.table import table

__all__ = ["cli_error", "error_code", "rows", "table"]
