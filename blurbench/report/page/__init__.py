"""Runs as one HTML file that needs no network: tables, charts drawn from them, and the page."""
