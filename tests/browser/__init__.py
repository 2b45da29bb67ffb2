"""Tests that drive a real JupyterLab with a real browser."""
