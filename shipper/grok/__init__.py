"""Grok."""

from shipper.grok.library import Library
from shipper.grok.match import Grok

__all__ = ["Grok", "Library"]
