"""Let visitors finish: what is said in several messages is answered once.

Many people send a thought in pieces. A message that stands alone and looks like a whole question is
answered at once; after any other, and after all that come in quick succession, the turn waits until
the visitor has said nothing for a while (``REPLY_PATIENCE_MS``). Waiting is a time on the delivery
of the message's event (``core.events.Later``): it holds no worker, and outlives any process.
"""

import re
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from conversations.types import TurnContext

# In Latin, Greek, Armenian, Arabic, Ethiopic and full-width script; quotes and emoji may follow.
_ASKS: Final = re.compile(r"[?\u037e\u055e\u061f\u1367\uff1f][^\w?]*$")
# Words that ask, in the languages most visitors write; without a question mark they have to do.
_ASKING_WORDS: Final = """
how what when where which who whose why can could do does did is are will would may should
was wie wann wo welche welcher welches wer warum kann können darf muss gibt
comment quand où quel quelle qui pourquoi combien puis peut
cómo qué cuándo dónde cuál quién cuánto cuánta puedo puede hay
"""
_ASKING: Final = frozenset(_ASKING_WORDS.split())
WHOLE_WORDS: Final = 6  # a shorter message without a mark is a piece more often than a question


def patience_left(turn: TurnContext, *, now: datetime | None = None) -> float:
    """Return for how many seconds the turn has to wait for more; 0 when it may be answered."""
    patience = settings.REPLY_PATIENCE_MS / 1000
    if not turn.said_at or (is_whole(turn.last_text) and not _is_in_a_row(turn, patience)):
        return 0.0
    quiet = ((now or timezone.now()) - turn.said_at[-1]).total_seconds()
    return max(0.0, patience - max(0.0, quiet))


def _is_in_a_row(turn: TurnContext, patience: float) -> bool:
    """Tell whether the last two messages came in quick succession, answered or not."""
    before, last = turn.said_at[0], turn.said_at[-1]
    return len(turn.said_at) > 1 and last - before < timedelta(seconds=patience)


def is_whole(text: str) -> bool:
    """Tell whether a message looks like a question that can be answered by itself."""
    if _ASKS.search(text.strip()):
        return True
    words = re.findall(r"\w+", text.lower())
    return len(words) >= WHOLE_WORDS and not _ASKING.isdisjoint(words)
