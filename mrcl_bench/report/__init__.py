"""Tables over records, rendered for the terminal, as Markdown and as CSV."""

from .tables import FILES, render_tables, write_tables
from .views import Head, Row, Text, View, views

__all__ = ["FILES", "Head", "Row", "Text", "View", "render_tables", "views", "write_tables"]
