"""The read side's quirks. (Filled in below.)"""

PROFILES = frozenset(
    {
        "env-map",
        "nulls",
        "empties",
        "defaults-filled",
        "shuffled",
        "token-masked",
        "token-omitted",
        "token-null",
        "token-empty",
        "retry-hidden",
        "metadata-hidden",
        "retry-spread",
        "unknown-fields",
        "floats",
        "unique-names",
        "storage-spaced",
        "spoke",
    }
)
ALL_PROFILES_TOGETHER = PROFILES - {"token-omitted", "token-null", "token-empty", "spoke"}
