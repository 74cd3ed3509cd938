"""The report as one HTML file: template, style and script lie beside this module."""
