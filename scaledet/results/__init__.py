"""The base of results: tables in text and HTML, data frames, and saved files."""
