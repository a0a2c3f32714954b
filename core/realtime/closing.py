"""Close codes (docs/protocol.md): after 30xx clients resume, after 35xx and 44xx they do not."""

from enum import IntEnum


class Close(IntEnum):
    NORMAL = 1000
    SLOW_CONSUMER = 3008
    TOO_MANY = 3429
    ABUSE = 3501
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    UNSUPPORTED = 4406
