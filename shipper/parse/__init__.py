"""Events become documents: pipelines are data, documents a function of bytes, marks and settings."""
