class EvidenceRejected(Exception):
    """The evidence cannot be recorded so. The message is safe to show and says what to do."""


class OutOfDate(EvidenceRejected):
    """Somebody else changed it meanwhile; ``now`` is the id of the rating that stands now."""

    def __init__(self, message: str, now: int | None) -> None:
        super().__init__(message)
        self.now = now
