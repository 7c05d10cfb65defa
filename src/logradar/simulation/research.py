"""The research service: search, catalogue, recommendations, figures for reports, product imports."""

from __future__ import annotations

from typing import Final

from logradar.simulation.client import Client, Refused
from logradar.simulation.journal import get_logger
from logradar.simulation.manager import Manager, price_of
from logradar.simulation.scheduler import Steps
from logradar.simulation.world import Cache, Dependency, NoConnection, Pool, TooLate, World

TRIES: Final = 3
MINUTE: Final = 60_000


class Index:
    """The full-text index, behind a pool of connections."""

    logger = get_logger("research.index")

    def __init__(self, world: World) -> None:
        self.world = world
        self.pool = Pool(world, "index", 80, patience=2_000)
        self.engine = Dependency(world, "index", 1_100, timeout=6_000)

    def query(self, words: str, limit: int) -> Steps[int]:
        """How many products match ``words``; `Refused` when the index cannot be asked."""
        try:
            waited = yield from self.pool.take()
        except NoConnection:
            self.logger.error("no index connection free after %d ms, all %d in use", self.pool.patience, self.pool.size)
            raise Refused(503, "index_pool_exhausted") from None
        try:
            if waited:
                self.logger.warning("waited %d ms for an index connection", waited)
            return (yield from self._ask(words, limit))
        finally:
            self.pool.give()

    def _ask(self, words: str, limit: int) -> Steps[int]:
        for attempt in range(1, TRIES + 1):
            self.logger.debug("querying index shard %d for %s, limit %d", hash_of(words) % 8, words, limit)
            try:
                took = yield from self.engine.ask()
            except TooLate:
                self.logger.warning(
                    "index query timed out after %d ms on attempt %d of %d", self.engine.timeout, attempt, TRIES
                )
                continue
            if took > self.engine.slow:
                self.logger.warning("slow index query: %d ms, the budget is %d ms", took, self.engine.slow)
            found = 0 if hash_of(words) % 25 == 0 else 1 + hash_of(words) % 400
            self.logger.info("index matched %d products in %d ms", found, took)
            return found
        raise Refused(504, "index_timeout")


class Search:
    """Answers queries of customers, from the cache where it can."""

    logger = get_logger("research.search")

    def __init__(self, world: World, index: Index) -> None:
        self.world, self.index = world, index
        self.cache = Cache(world, lifetime=30 * MINUTE)

    def find(self, words: str, page: int) -> Steps[int]:
        """Number of products for ``words``."""
        self.logger.info("received query %s, page %d", words, page)
        yield self.world.about(5)
        kept = self.cache.get((words, page))
        if kept is not None:
            self.logger.debug("cache hit for query %s, stored %d s ago", words, kept[0] // 1000)
            return int(kept[1])
        self.logger.debug("cache miss for query %s", words)
        found = yield from self.index.query(words, limit=50)
        if not found:
            self.logger.info("nothing found for %s, trying a similar spelling", words)
            found = yield from self.index.query(words[:-1] + "y", limit=10)
        for _ in range(self.filters(words)):
            yield self.world.about(40)
            found -= found // 4
            self.logger.debug("filter leaves %d products", found)
        found = yield from self.rank(words, found)
        yield self.world.about(15)
        self.cache.put((words, page), found)
        self.logger.debug("stored %d results of query %s in the cache", found, words)
        return found

    def filters(self, words: str) -> int:
        """How many filters the customer has set: mostly none."""
        return hash_of(words) % 3 if self.world.chance(0.4) else 0

    def rank(self, words: str, found: int) -> Steps[int]:
        """Order the matches; the new model runs where it is already released."""
        if self.world.runs("ranking"):
            return (yield from self._rank_by_model(words, found))
        yield self.world.work(90)
        self.logger.info("ranked %d candidates by popularity", found)
        return found

    def _rank_by_model(self, words: str, found: int) -> Steps[int]:
        self.logger.info("scoring %d candidates with ranking model %s", found, "gbm-7")
        yield self.world.about(180)
        unscored = found // 5
        if unscored:
            self.logger.warning("ranking model returned no score for %d of %d candidates", unscored, found)
        self.logger.info("merged model scores and popularity with weight %.2f", 0.35)
        return found


class Catalogue:
    """What is known about single products."""

    logger = get_logger("research.catalogue")

    def __init__(self, world: World) -> None:
        self.world = world
        self.database = Dependency(world, "catalogue", 280, timeout=2_500)
        self.cache = Cache(world, lifetime=20 * MINUTE)

    def details(self, product: int) -> Steps[int]:
        """Price in cents of a product, with its description and pictures."""
        self.logger.info("loading details of product %d", product)
        yield self.world.about(5)
        if self.cache.get(product) is None:
            yield from self._load(product)
        else:
            self.logger.debug("details of product %d came from the cache", product)
        return price_of(product)

    def _load(self, product: int) -> Steps[None]:
        for attempt in range(1, TRIES + 1):
            try:
                took = yield from self.database.ask()
            except TooLate:
                self.logger.warning(
                    "catalogue database gave no answer in %d ms (attempt %d)", self.database.timeout, attempt
                )
                continue
            if took > self.database.slow:
                self.logger.warning("catalogue read of %d ms is above the target", took)
            self.cache.put(product, True)
            self.logger.debug("read %d attributes of product %d", 4 + product % 9, product)
            return
        self.logger.error("showing product %d without its details", product)


class Recommendations:
    """Products that may please a customer, from what he bought before."""

    logger = get_logger("research.recommend")

    def __init__(self, world: World, manager: Manager, search: Search, catalogue: Catalogue) -> None:
        self.world, self.manager, self.search, self.catalogue = world, manager, search, catalogue
        self.client = Client(world, "research", "manager")

    def suggest(self, user: int) -> Steps[int]:
        """How many products are suggested to ``user``."""
        self.logger.info("collecting recommendations for user %d", user)
        bought = yield from self.client.call(self.manager.orders.history, user)
        if not bought:
            self.logger.info("user %d has no history, taking the bestsellers", user)
            yield self.world.about(15)
            return 12
        yield from self.catalogue.details(bought)
        yield self.world.about(900)
        self.logger.info("computed %d neighbours of product %d", 20 + bought % 30, bought)
        return (yield from self.search.rank("similar", 20))


class Figures:
    """Numbers that reports are made of."""

    logger = get_logger("research.figures")

    def __init__(self, world: World) -> None:
        self.world = world

    def series(self, section: str, days: int) -> Steps[int]:
        """Rows of one section of a report."""
        self.logger.info("aggregating section %s over %d days", section, days)
        if self.world.chance(0.2):
            self.logger.debug("last night's aggregate of section %s is still good", section)
            yield self.world.about(300)
        else:
            yield self.world.about(4_000)
        rows = 100 + int(self.world.rng.random() * 9_000)
        self.logger.info("aggregated %d rows for section %s", rows, section)
        return rows


class Importer:
    """Takes in the product feeds of suppliers, one message of the broker per step."""

    logger = get_logger("research.importer")

    def __init__(self, world: World) -> None:
        self.world = world

    def run(self, supplier: str, parts: int) -> Steps[int]:
        """Import a feed of ``parts`` files; the number of products taken in."""
        self.logger.info("import from supplier %s begins with %d files", supplier, parts)
        rows = [0]
        for step in self.world.deliver((self._download, self._check, self._convert, self._write, self._publish)):
            yield from step(supplier, parts, rows)
        self.logger.info("import finished: %d products from %s", rows[0], supplier)
        return rows[0]

    def _download(self, supplier: str, parts: int, rows: list[int]) -> Steps[None]:
        for part in range(1, parts + 1):
            yield self.world.about(6_000)
            size = 20_000 + int(self.world.rng.random() * 900_000)
            if self.world.chance(0.05):
                self.logger.warning("feed file %d is cut off at %d bytes, downloading it again", part, size // 3)
                yield self.world.about(5_000)
            self.logger.info("downloaded feed file %d of %d, %d bytes", part, parts, size)
            rows[0] += size // 400

    def _check(self, supplier: str, parts: int, rows: list[int]) -> Steps[None]:
        yield self.world.work(900)
        self.logger.debug("checksums of %d feed files agree", parts)

    def _convert(self, supplier: str, parts: int, rows: list[int]) -> Steps[None]:
        yield self.world.work(9_000)
        if self.world.chance(0.25):
            skipped = 1 + int(self.world.rng.random() * 40)
            self.logger.warning("skipped %d rows without a price", skipped)
            rows[0] = max(rows[0] - skipped, 0)
        self.logger.info("converted %d rows to products", rows[0])

    def _write(self, supplier: str, parts: int, rows: list[int]) -> Steps[None]:
        path = f"/var/lib/shop/segments/{supplier}.seg"
        try:
            took = yield from self.world.write_file(path, rows[0] * 90)
        except OSError:
            self.logger.exception("could not write segment %s, import is rolled back", path)
            raise Refused(507, "disk_full") from None
        self.logger.info("wrote segment %s in %d ms", path, took)

    def _publish(self, supplier: str, parts: int, rows: list[int]) -> Steps[None]:
        yield self.world.about(700)
        self.logger.info("published new catalogue version %d", 1 + self.world.now // MINUTE)


class Housekeeping:
    """Background jobs."""

    logger = get_logger("research.housekeeping")

    def __init__(self, world: World, search: Search, catalogue: Catalogue) -> None:
        self.world, self.search, self.catalogue = world, search, catalogue

    def ping(self) -> Steps[str]:
        """The answer to a heartbeat."""
        queries, products = len(self.search.cache), len(self.catalogue.cache)
        self.logger.debug("heartbeat: %d queries and %d products cached", queries, products)
        yield self.world.about(2)
        return "up"

    def clean_caches(self) -> Steps[None]:
        """Drop what is too old from both caches."""
        began = self.world.now
        self.logger.info("cache cleaner started, %d entries", len(self.search.cache) + len(self.catalogue.cache))
        yield self.world.about(120)
        dropped = self.search.cache.sweep()
        self.logger.debug("query cache gave up %d entries", dropped)
        yield self.world.about(120)
        dropped = self.catalogue.cache.sweep()
        self.logger.debug("detail cache is rid of %d old products", dropped)
        self.logger.info("cache cleaner done after %d ms", self.world.now - began)


class Research:
    """The service as a whole."""

    def __init__(self, world: World, manager: Manager) -> None:
        self.index = Index(world)
        self.search = Search(world, self.index)
        self.catalogue = Catalogue(world)
        self.recommendations = Recommendations(world, manager, self.search, self.catalogue)
        self.figures = Figures(world)
        manager.reports.figures = self.figures.series
        self.importer = Importer(world)
        self.housekeeping = Housekeeping(world, self.search, self.catalogue)


def hash_of(words: str) -> int:
    """A number that depends on nothing but the letters."""
    number = 0
    for letter in words:
        number = (number * 31 + ord(letter)) & 0xFFFFFFFF
    return number
