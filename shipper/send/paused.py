"""Documents whose index takes nothing now: one batch of each index looks whether it does again, the others wait for it.

Looks leave one at a time, and take at most half of the time: a cluster may need half a minute to say that an index is
unavailable, and what goes to others must not wait for that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from shipper.records import Batch, Document, OutcomeKind, Receipt


class Paused:
    """Batches that wait, by index. Not safe for threads by itself."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Batch]] = {}
        self._due: dict[str, float] = {}
        """When each index is looked at again."""
        self._looking: Batch | None = None
        self._rest_until = 0.0

    @property
    def datasets(self) -> set[str]:
        """The datasets of what waits."""
        looking = [self._looking] if self._looking else []
        return {batch.documents[0].dataset for batch in [*looking, *(some[0] for some in self._waiting.values())]}

    def put(self, batch: Batch, due: float) -> None:
        """Take documents that were paused; their indices are looked at then, or as is planned already."""
        by_index: dict[str, list[Document]] = defaultdict(list)
        for document in batch.documents:
            by_index[document.index].append(document)
        for index, documents in by_index.items():
            self._waiting.setdefault(index, []).append(_part(batch, documents))
            self._due.setdefault(index, due)

    def let_through(self, batch: Batch, due: float) -> Batch | None:
        """What of a batch is for indices that are not paused, if anything is; the rest waits with the others."""
        looking = {self._looking.documents[0].index} if self._looking else set()
        paused = looking | self._waiting.keys()
        held = [document for document in batch.documents if document.index in paused] if paused else []
        if not held:
            return batch
        self.put(_part(batch, held), due)
        free = [document for document in batch.documents if document.index not in paused]
        return _part(batch, free) if free else None

    def next(self) -> float | None:
        """When the next look may leave; None while one is under way, and if nothing waits."""
        if self._looking is not None or not self._due:
            return None
        return max(self._rest_until, min(self._due.values()))

    def take(self, now: float) -> Batch | None:
        """The batch that looks, if it is time; the oldest of its index, for a checkpoint waits for it."""
        due = self.next()
        if due is None or due > now:
            return None
        index = min(self._due, key=self._due.__getitem__)
        del self._due[index]
        waiting = self._waiting[index]
        self._looking = min(waiting, key=lambda batch: batch.number)
        waiting.remove(self._looking)
        if not waiting:
            del self._waiting[index]
        return self._looking

    def answered(self, receipt: Receipt, now: float, took: float) -> Sequence[Batch] | None:
        """What need not wait any longer, if this answers the look that is under way.

        None if the index takes nothing yet: what is left of the look waits on.
        """
        if receipt.batch is not self._looking:
            return ()
        self._looking, self._rest_until = None, now + took
        kinds = receipt.kinds
        if kinds[OutcomeKind.PAUSED] or kinds[OutcomeKind.RETRY] == len(receipt.batch.documents):
            return None
        index = receipt.batch.documents[0].index
        self._due.pop(index, None)
        return self._waiting.pop(index, ())

    def hurry(self, now: float) -> None:
        """Look at every index as soon as can be."""
        self._rest_until = now
        self._due = dict.fromkeys(self._due, now)


def _part(batch: Batch, documents: Sequence[Document]) -> Batch:
    size = sum(len(document.body) for document in documents)
    return replace(batch, documents=tuple(documents), bytes=size)
