"""What people send beside words: looked at, listened to and read for the model, as far as somebody can.

Nothing of it is kept: a turn that is thought again fetches again.
"""

from __future__ import annotations

from collections.abc import Mapping

from bot import texts
from bot.channels import Channel
from bot.errors import Unavailable
from bot.message import Batch
from bot.stores.mailbox import channel_of
from bot.texts import Language
from workers.backends import Backend
from workers.errand import Errand
from workers.held import Held
from workers.look import Look, Seen, has_words, told
from workers.transcribers import Transcriber


class Media:
    """Opens what came with a batch; ``transcriber`` None: nobody listens."""

    def __init__(
        self, channels: Mapping[str, Channel], backend: Backend, transcriber: Transcriber | None = None
    ) -> None:
        self._channels, self._backend, self._transcriber = channels, backend, transcriber

    def refused(self, conversation: str, batch: Batch, language: Language) -> str:
        """What is said to a batch without a word, of which nothing can be opened; empty: it is worth a look.

        Raises Unavailable while nobody knows whether the model can see.
        """
        if has_words(batch):
            return ""
        look = self._look(conversation, language)
        sent = [one for message in batch.messages if message.addressed for one in message.attachments]
        troubles = [look.trouble(one) for one in sent] or [texts.NO_TEXT.to(language)]
        return told(troubles) if all(troubles) else ""

    def look(self, held: Held, batch: Batch, language: Language, room: int) -> Seen:
        """Open everything, for a prompt of ``room`` tokens.

        Raises Unfetched for what cannot be had now, Unavailable while nobody knows whether the model can see, and
        what Held.check does once the turn is to end.
        """
        if not any(message.attachments for message in batch.messages):
            return Seen(batch)
        look = self._look(held.conversation, language, room)
        held.stream = errand = Errand(lambda over: look.open(batch, over))
        try:
            if held.ended:  # whoever ended it may not have found the errand yet
                errand.close()
            return errand.result()
        except Unavailable:
            held.check()
            raise
        finally:
            held.stream = None

    def _look(self, conversation: str, language: Language, room: int = 0) -> Look:
        channel = self._channels.get(channel_of(conversation))
        return Look(conversation, channel, self._backend, self._transcriber, language, room=room)
