"""The notebook that tells the whole story: what is stored in it is what a fresh kernel computes.

`python tests/test_notebook.py` runs it and stores its outputs anew.
"""

import json
import os
import re
import sys
import warnings
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "examples" / "story.ipynb"
NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
MOST_BYTES = 1_500_000
RICH = ("image/svg+xml", "text/html")


def executed(path):
    """The notebook run from the beginning in a fresh kernel, without what differs from run to run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the kernel's own libraries
        import nbformat
        from nbclient import NotebookClient

        notebook = nbformat.read(path, as_version=4)
        environment = {**os.environ, "PYTHONWARNINGS": "", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", record_timing=False, coalesce_streams=True
        )
        client.execute(cwd=str(path.parent), env=environment)
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in notebook.cells:
        cell.metadata = {}
        for output in cell.get("outputs", ()):
            if any(kind in output.get("data", {}) for kind in RICH):  # the text beside a picture or a table says less
                output["data"].pop("text/plain", None)
    return notebook


def shown(notebook):
    """Every output of every code cell as (cell, kind, text)."""
    found = []
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            said = (
                {output.get("name", output["output_type"]): output["text"]}
                if "text" in output
                else output.get("data", {})
            )
            found += [(cell["id"], kind, "".join(text)) for kind, text in said.items()]
    return found


def same(stored, new):
    """Whether two texts say the same: whole numbers and dates exactly, others to one in the last place shown."""
    if NUMBER.sub("#", stored) != NUMBER.sub("#", new):
        return False
    pairs = zip(NUMBER.findall(stored), NUMBER.findall(new), strict=True)
    return all(one == other or close(one, other) for one, other in pairs)


def close(one, other):
    if "." not in one and "," not in one:
        return False
    digits = len(one.partition(".")[2].partition("e")[0])
    scale = 10.0 ** int(one.partition("e")[2] or 0)
    return abs(float(one.replace(",", "")) - float(other.replace(",", ""))) <= 1.01 * 10.0**-digits * scale


def test_the_stored_outputs_are_what_a_fresh_kernel_computes():
    stored, new = shown(json.loads(NOTEBOOK.read_text(encoding="utf-8"))), shown(executed(NOTEBOOK))
    assert [(cell, kind) for cell, kind, _ in stored] == [(cell, kind) for cell, kind, _ in new]
    stale = [cell for (cell, _, one), (_, _, other) in zip(stored, new, strict=True) if not same(one, other)]
    assert not stale, f"stale outputs in {', '.join(stale)}: run python tests/{Path(__file__).name}"


def test_it_is_small_offline_and_free_of_its_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    notebook = json.loads(text)
    assert len(text.encode()) < MOST_BYTES
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}
    assert notebook["metadata"]["language_info"] == {"name": "python"}
    assert not any(cell["metadata"] for cell in notebook["cells"])
    assert not re.search(r"<script|<link|src=|cdn", text)
    kinds = {kind for _, kind, _ in shown(notebook)}
    assert kinds == {"stdout", "text/html", "image/svg+xml"}  # no errors, nothing on stderr
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in code] == list(range(1, len(code) + 1))


@pytest.mark.parametrize(
    ("stored", "new", "alike"),
    [
        ("lost 12.3 m in 2033", "lost 12.4 m in 2033", True),
        ("lost 12.3 m in 2033", "lost 12.5 m in 2033", False),
        ("1,234", "1,235", True),
        ("1,234", "1,236", False),
        ("on 2033-05-30", "on 2033-05-31", False),
        ("1.5e-07", "1.6e-07", True),
        ("banks 1.0", "bank 1.0", False),
    ],
)
def test_a_stale_number_is_seen(stored, new, alike):
    assert same(stored, new) is alike


if __name__ == "__main__":
    import nbformat

    nbformat.write(executed(NOTEBOOK), NOTEBOOK)
    sys.stdout.write(f"stored {NOTEBOOK.name}: {NOTEBOOK.stat().st_size:,} bytes\n")
