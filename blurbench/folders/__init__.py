"""Folders of image files, blurred several at a time."""
