"""How Sphinx builds the site: everything it shows of the code is read from the code, and nothing from the network."""

import shutil
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "_ext"))
shutil.copy2(ROOT / "examples" / "story.ipynb", HERE / "story.ipynb")  # Sphinx reads what stands under its own folder
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

project, release = PROJECT["name"], PROJECT["version"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "generated", "docstrings"]
exclude_patterns = ["_build", "_ext"]
highlight_language = "text"
suppress_warnings = ["config.cache"]

myst_heading_anchors = 3
myst_disable_syntax = ["myst_line_comment"]  # a line may begin with a per cent sign
nb_execution_mode = "off"  # the notebook is executed by the tests and shown with the outputs it is stored with

default_role = "code"  # what a docstring has in backticks
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_display_short_literal_types = True
python_maximum_signature_line_length = 100
add_module_names = False

html_theme = "furo"
html_title = f"firstloss {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # it would fetch pages, which a file opened from a disk may not
html_show_copyright = False
