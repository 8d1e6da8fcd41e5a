"""A bucket for whoever asks for one."""

from __future__ import annotations

from buckets import bucket_uri, s3

__all__ = ["bucket_uri", "s3"]
