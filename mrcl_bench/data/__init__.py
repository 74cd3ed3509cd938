"""The embedded data sets, and the checks of the data that users bring."""
