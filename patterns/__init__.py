"""Installed as data: see `shipper.resources`."""
