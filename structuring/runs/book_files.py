"""Reads a book of deals from a YAML or JSON file, and writes one."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from structuring.deals.deal_files import find, load_deal, shipped
from structuring.documents.yaml_and_json import load_term, save_term
from structuring.runs.book import Book, BookFile
from waterfalls.arguments import path, takes

MARK = "firstloss-book"


@takes(path=path)
def load_book(path: Path | str) -> Book:
    """A book from a file that begins with `firstloss-book: 1`, or a shipped one by its name; every fault is told at once.

    Paths of deal files are relative to the book's own.
    """
    path = find_book(path)
    home = path.parent
    read: Any = load_term(path, BookFile, mark=MARK)
    positions = []
    for position in read.positions:
        beside = home / position.deal if isinstance(position.deal, str) else None
        found = beside is not None and beside.is_file()
        positions.append(dataclasses.replace(position, deal=load_deal(beside)) if found and beside else position)
    return Book(read.name, as_of=read.as_of, positions=tuple(positions), currency=read.currency, sources=read.sources)


def save_book(book: Book, path: Path | str) -> None:
    """Writes a book to a YAML or JSON file that `load_book` reads back to an equal book."""
    save_term(book, path, mark=MARK)


def find_book(path: Path | str) -> Path:
    """The file of a book, by path, by its folder, or by the name of a shipped one."""
    return find("book", path)


def books() -> dict[str, Path]:
    """The books that ship with the toolkit, by name."""
    return shipped("book")
