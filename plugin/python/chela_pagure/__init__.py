"""Lets any CI system build the pull requests and commits of a Pagure.

Nothing here imports pagure: this package is imported while pagure's own configuration loads.
"""
