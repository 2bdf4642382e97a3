"""The browser that tests look at pages with, where there is one."""

from pathlib import Path

CHROMIUM = next(
    (path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), ""
)
# A sandbox of its own is refused to root.
OPTIONS = ["--no-sandbox"]
