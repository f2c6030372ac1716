"""Why labelling can't go on."""


class LabellingError(Exception):
    """Says in a sentence what is wrong, where, and what to do next."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows of it: IPython asks for this in the place of a traceback."""
        return [str(self)]
