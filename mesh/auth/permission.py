"""Sets of permissions as bit masks: bit n stands for value n of rushes.type.v1.Permission."""


def bit(permission: int) -> int:
    """The mask of one permission."""
    return 1 << permission


def has(mask: int, permission: int) -> bool:
    """Whether the set has it."""
    return bool(mask >> permission & 1)
