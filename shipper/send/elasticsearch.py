"""The Elasticsearch output: batches become bulk requests, and their answers become receipts.

It creates only, and ids and indices follow from the documents, so whatever is sent again after an unknown outcome
changes nothing. It is tested with Elasticsearch 8.19 and 9, and with OpenSearch 3.8.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from shipper.clock import Clock
from shipper.events_log import EventsLog
from shipper.records import Batch, BucketTally, Document, Outcome, OutcomeKind, Receipt, Stored
from shipper.send import bulk
from shipper.send.connection import Answer, Connection
from shipper.send.copies import copies
from shipper.send.durable import Durable
from shipper.send.layout import Layout, dataset_key, layout_of
from shipper.send.output import Dataset, Flaw, Period, Replacement, Scope
from shipper.send.privileges import check_may_see
from shipper.send.refusals import Refusals
from shipper.send.same_cluster import SameCluster
from shipper.send.setup import Setup
from shipper.send.streams import replace_in_streams
from shipper.send.surveys import Surveys
from shipper.settings import MIB, ElasticsearchSettings

REQUEST_LIMIT = 64 * MIB
"""Bytes of one request before the cluster has told its own limit; below the default of Elasticsearch, 100 MiB."""

SMALLEST_LIMIT = MIB // 4
"""A single huge document must not teach us to send tiny requests for ever."""

CREDENTIALS_GRACE = 30.0
"""Seconds for which a 401 is retried: right after its start a node refuses good credentials."""


class ElasticsearchOutput:
    """Implements `shipper.send.output.Output`. Several threads may send at the same time.

    Raises ConfigurationError if hosts or credentials cannot be used as they are configured.
    """

    def __init__(
        self, settings: ElasticsearchSettings, datasets: Iterable[Dataset], clock: Clock, events: EventsLog
    ) -> None:
        self._connection = Connection(settings)
        self._same_cluster = SameCluster(self._connection)
        self._layout = layout_of(settings)
        self._datasets = {dataset_key(dataset): dataset for dataset in datasets}
        self._setup = Setup(self._connection, self._datasets.values(), events, self._layout)
        self._refusals = Refusals(self._connection, self._layout)
        self._durable = Durable(self._connection, self._layout)
        self._others_until = clock.monotonic() + settings.deadline
        """Until then requests of an agent that was killed before this one began may be under way."""
        self._questions = Surveys(self._connection)
        self._install = settings.setup == "auto"
        self._clock = clock
        self._events = events
        self._limit = REQUEST_LIMIT
        self._refused_since: float | None = None
        self._identity: str | None = None

    @property
    def identity(self) -> str:
        """The cluster's uuid."""
        if self._identity is None:
            self._identity = self._questions.cluster_uuid()
        return self._identity

    def announce(self, datasets: Iterable[Dataset]) -> None:
        """Other types: templates are looked up, and installed or waited for, before the next document goes out."""
        some = {dataset_key(dataset): dataset for dataset in datasets}
        self._datasets |= some
        self._setup.announce(some.values())

    def send(self, batch: Batch) -> Receipt:
        """Store the batch. Whatever happens becomes an outcome; blocks up to the deadline of each request."""
        other = self._same_cluster.obstacle(self._identity) if self._identity else None
        if other is not None:
            return Receipt(batch, [self._patient(other)] * len(batch.documents))
        held = self._held(batch.documents)
        if not held:
            return Receipt(batch, self._created(batch.documents, batch.attempt))
        free = [document for document in batch.documents if document.index not in held]
        stored = iter(self._created(free, batch.attempt))
        return Receipt(batch, [held.get(document.index) or next(stored) for document in batch.documents])

    def refresh(self) -> None:
        """Make all that was stored before visible to the questions below. OutputError where some of it is hidden."""
        check_may_see(self._connection, self._datasets.values(), self._layout)
        self._questions.refresh()

    def hosts(self) -> list[str]:
        """The hosts whose documents are held."""
        return self._questions.hosts()

    def tallies(self, scope: Scope) -> Iterator[BucketTally]:
        """What is held per fingerprint and bucket, counted by the cluster."""
        return self._questions.tallies(scope)

    def spans(self, fingerprint: str, first: int, last: int) -> Iterator[Stored]:
        """Every document of the fingerprint with first <= log.offset < last, by offset."""
        return self._questions.spans(fingerprint, first, last)

    def bodies(self, ids: Sequence[str], *, fingerprint: str) -> dict[str, bytes]:
        """The JSON of documents by id: equal in value and in the order of keys, numbers perhaps written otherwise."""
        return self._questions.bodies(ids, fingerprint=fingerprint)

    def copies(self, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], bytes]:
        """The JSON of documents by (index, id), as they are now, refreshed or not."""
        return copies(self._connection, places)

    def home(self, index: str, places: Collection[str]) -> str | None:
        """Of these indices the one where the layout puts a document of this index; of a stream's the oldest."""
        return self._layout.home(index, places)

    def absent(self, indices: Collection[str]) -> dict[str, str]:
        """Of these indices those that are not there; none in a stream, where documents do not say which it is."""
        return {} if self._layout is Layout.DATA_STREAM else self._questions.absent(indices)

    def anchors(self, fingerprint: str) -> list[tuple[int, str]]:
        """The date marks that documents of the fingerprint carry, by offset."""
        return self._questions.anchors(fingerprint)

    def history(self, scope: Scope, step: int) -> Iterator[Period]:
        """The lines that are held by file, bucket and step of event time (seconds)."""
        return self._questions.history(scope, step)

    def flaws(self, scope: Scope, tags: Sequence[str]) -> Iterator[Flaw]:
        """How many documents carry one of the tags, and of how many the index ignored a field."""
        return self._questions.flaws(scope, tags)

    def replace(self, replacements: Sequence[Replacement]) -> list[Outcome]:
        """Replace documents; one whose index is another now is stored there before the old one is deleted."""
        if self._layout is Layout.DATA_STREAM:
            return replace_in_streams(self._connection, replacements)
        documents = [item.document for item in replacements]
        held = self._held(documents)
        free = [document for document in documents if document.index not in held]
        stored = iter(self._store(free, bulk.INDEX))
        outcomes = [held.get(document.index) or next(stored) for document in documents]
        moved = [
            (place, document.id)
            for (document, place), outcome in zip(replacements, outcomes, strict=True)
            if outcome.kind is OutcomeKind.STORED and place != bulk.INDEX_PREFIX + document.index
        ]
        self._questions.delete(moved)
        return outcomes

    def delete(self, places: Iterable[tuple[str, str]]) -> int:
        """Delete documents by (index, id); how many were there."""
        return self._questions.delete(places)

    def apply_setup(self) -> dict[str, Outcome | None]:
        """Install the templates of all datasets; what stands against it, by template name."""
        return self._setup.apply()

    def close(self) -> None:
        """Close all sockets."""
        self._connection.close()

    def _held(self, documents: Sequence[Document]) -> dict[str, Outcome]:
        """The documents' indices to which nothing can be sent now, with the reason."""
        indices = {document.index for document in documents}
        obstacles = {index: self._setup.obstacle(index, install=self._install) for index in indices}
        return {index: self._patient(obstacle) for index, obstacle in obstacles.items() if obstacle is not None}

    def _created(self, documents: Sequence[Document], attempt: int) -> list[Outcome]:
        """Create the documents; none is refused that was created before, whatever the cluster says of it now.

        Where an earlier request may be under way, none is there already that is not on disk.
        """
        outcomes = self._refusals.proved(documents, self._store(documents))
        if attempt or self._clock.monotonic() < self._others_until:
            return self._durable.proved(documents, outcomes)
        return outcomes

    def _store(self, documents: Sequence[Document], action: str = bulk.CREATE) -> list[Outcome]:
        """Send the documents in as many requests as the cluster's size limit demands."""
        parts = list(bulk.cut(documents, self._limit))
        outcomes: list[Outcome] = []
        while parts:
            part = parts.pop(0)
            answer = self._connection.request(
                "POST", bulk.TARGET, bulk.request_body(part, action, self._layout.target), media="application/x-ndjson"
            )
            if answer.status == 413 and len(part) > 1:
                parts[:0] = self._halves(part)
                continue
            outcomes += self._judge(answer, len(part), action)
            if answer.status not in (200, 413):
                # What failed as a whole would fail again at once: the rest shares its fate, and waits.
                outcomes += [outcomes[-1]] * (len(documents) - len(outcomes))
                break
        return outcomes

    def _halves(self, part: Sequence[Document]) -> list[Sequence[Document]]:
        half = bulk.size(part) // 2
        self._limit = max(SMALLEST_LIMIT, min(self._limit, half))
        self._events.warning("request_too_large", bytes=bulk.size(part), limit=self._limit)
        return list(bulk.cut(part, half))

    def _judge(self, answer: Answer, count: int, action: str) -> list[Outcome]:
        if answer.status == 0:
            return [Outcome(OutcomeKind.RETRY, answer.category, answer.failure)] * count
        outcomes = bulk.outcomes(answer.status, answer.body, count, action)
        if answer.status == 401:
            return [self._patient(outcomes[0])] * count
        self._refused_since = None
        return outcomes

    def _patient(self, outcome: Outcome) -> Outcome:
        """Refused credentials are retried for a while before they count."""
        if outcome.category != bulk.CREDENTIALS:
            return outcome
        now = self._clock.monotonic()
        since = self._refused_since  # another thread may be answered meanwhile
        if since is None:
            self._refused_since = since = now
        waited = now - since
        return outcome if waited >= CREDENTIALS_GRACE else outcome._replace(kind=OutcomeKind.RETRY)
