"""How much a caller may ask for: token buckets."""

from trunkline.domain.limits.bucket import Bucket, Buckets, Rate, Verdict

__all__ = ["Bucket", "Buckets", "Rate", "Verdict"]
