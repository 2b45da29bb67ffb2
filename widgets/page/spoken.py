"""What every widget with a script of its own has: its messages in the reader's language."""

from __future__ import annotations

import traitlets

from mla_core.language import language, messages


class Spoken(traitlets.HasTraits):
    """A view whose script speaks the language that was chosen when it was made (`language.js`).

    Attributes
    ----------
    messages : dict
        What stands for the English messages of the scripts; empty in English.
    """

    messages = traitlets.Dict().tag(sync=True)

    @traitlets.default("messages")
    def _messages(self) -> dict[str, str]:
        return dict(messages(language(), ".js"))
