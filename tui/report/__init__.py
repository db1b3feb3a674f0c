"""States for scripts and pipes: as JSON-ready rows, or as a plain table.

Pure: the same states give the same document.
"""
