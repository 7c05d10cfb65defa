"""The manager service: accounts, stock, orders, payments, reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from logradar.simulation.client import Client, Refused
from logradar.simulation.journal import get_logger
from logradar.simulation.scheduler import Steps
from logradar.simulation.world import Dependency, NoConnection, Pool, TooLate, World

TRIES: Final = 3
LIMIT: Final = 500_000
CARRIERS: Final = ("heron", "swift", "kestrel", "heron", "plover")


class Ledger:
    """The database of orders and money, behind a pool of connections."""

    logger = get_logger("manager.ledger")

    def __init__(self, world: World) -> None:
        self.world = world
        self.pool = Pool(world, "ledger", 80, patience=3_000)

    def connect(self) -> Steps[None]:
        """Take a connection; `Refused` when none becomes free. `release` gives it back."""
        try:
            waited = yield from self.pool.take()
        except NoConnection:
            self.logger.error(
                "timeout while waiting for a ledger connection: %d ms, pool size %d",
                self.pool.patience,
                self.pool.size,
            )
            raise Refused(503, "ledger_pool_exhausted") from None
        if waited:
            self.logger.warning("ledger connection came after %d ms in the queue", waited)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Give the connection back, also after an error."""
        try:
            yield
        finally:
            self.pool.give()


class Accounts:
    """Customers, their passwords and tokens."""

    logger = get_logger("manager.accounts")

    def __init__(self, world: World) -> None:
        self.world = world

    def login(self, user: int) -> Steps[bool]:
        """Whether the password was right."""
        self.logger.debug("loading account %d", user)
        yield self.world.work(250)
        if self.world.chance(0.06):
            self.logger.warning("wrong password for account %d", user)
            return False
        yield self.world.about(140)
        if self.world.chance(0.3):
            self.logger.info("asking account %d for a second factor", user)
            yield self.world.about(6_000)
            if self.world.chance(0.1):
                self.logger.info("second factor is wrong, account %d may try once more", user)
                yield self.world.about(5_000)
            self.logger.debug("second factor of account %d matches", user)
        self.logger.info("password of account %d verified, session valid for %d minutes", user, 60)
        return True

    def refresh(self, user: int) -> Steps[None]:
        """A new token for ``user``."""
        yield self.world.about(25)
        self.logger.info("issued a fresh token to account %d", user)


class Stock:
    """The stock of the warehouse."""

    logger = get_logger("manager.stock")

    def __init__(self, world: World) -> None:
        self.world = world

    def available(self, product: int) -> Steps[int]:
        """Pieces of ``product`` that can be sold."""
        self.logger.debug("counting stock of product %d", product)
        yield self.world.about(180)
        pieces = self.world.read("pieces", int(self.world.rng.random() * 240))
        self.logger.info("stock of product %d: %d pieces in %d locations", product, pieces, 1 + product % 4)
        return pieces

    def reserve(self, product: int, pieces: int) -> Steps[None]:
        """Set ``pieces`` aside; `Refused` when there are not enough."""
        took = self.world.about(60)
        yield took
        if self.world.chance(0.02):
            self.logger.warning("product %d is sold out, %d wanted", product, pieces)
            raise Refused(409, "sold_out")
        if self.world.chance(0.06):
            self.logger.debug("no stock of product %d nearby, taking it from warehouse %d", product, 2 + product % 3)
            yield self.world.about(40)
        self.logger.info("reserved %d of product %d in %d ms", pieces, product, took)

    def reconcile(self) -> Steps[None]:
        """Background job: compare the books with the warehouse."""
        self.logger.info("stock reconciliation starts for warehouse %d", 1 + int(self.world.rng.random() * 3))
        yield self.world.about(5_000)
        if self.world.chance(0.3):
            self.logger.warning("corrected %d stock entries", 1 + int(self.world.rng.random() * 6))
        yield self.world.about(400)
        self.logger.info("stock reconciliation ends, %d positions agree", 4_000 + int(self.world.rng.random() * 900))


@dataclass
class Basket:
    """An order on its way through its steps."""

    order: int
    user: int
    products: list[int]
    total: int = 0
    shipment: int = 0


class Orders:
    """Orders: each is a job whose steps come as messages of the broker."""

    logger = get_logger("manager.orders")

    def __init__(self, world: World, ledger: Ledger, stock: Stock) -> None:
        self.world, self.ledger, self.stock = world, ledger, stock
        self._last = 700_000

    def place(self, user: int, products: list[int]) -> Steps[int]:
        """Place an order; its number."""
        self._last += 1
        basket = Basket(self._last, user, products)
        self.logger.info("new order %d of user %d with %d products", basket.order, user, len(products))
        yield from self.ledger.connect()
        with self.ledger.transaction():
            for step in self.world.deliver((self._check, self._reserve, self._price, self._store, self._ship)):
                yield from step(basket)
        self.logger.info("order %d is complete, total %d cents", basket.order, basket.total)
        return basket.order

    def _check(self, basket: Basket) -> Steps[None]:
        yield self.world.work(20)
        self.logger.debug("order limit of user %d is %d cents", basket.user, LIMIT)

    def _reserve(self, basket: Basket) -> Steps[None]:
        for product in basket.products:
            yield from self.stock.reserve(product, 1 + product % 3)

    def _price(self, basket: Basket) -> Steps[None]:
        if self.world.runs("pricing"):
            yield from self._price_by_rules(basket)
            return
        yield self.world.work(40)
        basket.total = sum(price_of(product) for product in basket.products)
        self.logger.info("priced order %d at %d cents, tax included", basket.order, basket.total)

    def _price_by_rules(self, basket: Basket) -> Steps[None]:
        self.logger.info("rule engine %s prices order %d", "v2", basket.order)
        for product in basket.products:
            yield self.world.about(55)
            basket.total += price_of(product)
            self.logger.debug("applied %d price rules to product %d", product % 5, product)
        apart = 1 + basket.order % 90
        self.logger.warning("discount of order %d differs from the old engine by %d cents", basket.order, apart)

    def _store(self, basket: Basket) -> Steps[None]:
        took = self.world.work(70)
        yield took
        self.logger.info("saved order %d to the ledger in %d ms", basket.order, took)

    def _ship(self, basket: Basket) -> Steps[None]:
        yield self.world.work(90)
        basket.shipment = basket.order + 1_000_000
        carrier = self.world.read("carrier", CARRIERS[basket.order % len(CARRIERS)])
        self.logger.info("handed order %d to carrier %s as shipment %d", basket.order, carrier, basket.shipment)

    def history(self, user: int) -> Steps[int]:
        """The product that ``user`` bought last, 0 if none."""
        yield self.world.about(350)
        if self.world.chance(0.15):
            self.logger.info("user %d has not ordered before", user)
            return 0
        self.logger.info("read %d earlier orders of user %d", 1 + user % 9, user)
        return 1 + user % 3_000

    def cancel(self, order: int) -> Steps[int]:
        """Cancel an order; the cents to pay back."""
        self.logger.info("cancellation of order %d requested", order)
        yield from self.ledger.connect()
        with self.ledger.transaction():
            yield self.world.about(60)
            if self.world.chance(0.1):
                self.logger.info("order %d was already shipped, a return label is sent", order)
                yield self.world.about(80)
            else:
                self.logger.info("released the stock reserved for order %d", order)
            basket = Basket(order, 0, [order % 3_000])
            yield from self._price(basket)
        return basket.total


class Payments:
    """Payments: authorised and captured at the bank, booked, confirmed by mail."""

    logger = get_logger("manager.payments")

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world, self.ledger = world, ledger
        self.bank = Dependency(world, "bank", 1_800, timeout=10_000)

    def pay(self, order: int, cents: int) -> Steps[None]:
        """Take ``cents`` for ``order``."""
        cents = self.world.read("amount", cents)
        self.logger.info("payment of %d cents for order %d begins", cents, order)
        yield from self.ledger.connect()
        with self.ledger.transaction():
            for step in self.world.deliver((self._authorise, self._capture, self._book, self._confirm)):
                yield from step(order, cents)
        self.logger.info("payment for order %d settled", order)

    def _authorise(self, order: int, cents: int) -> Steps[None]:
        took = yield from self._ask_bank("authorisation", order)
        if self.world.chance(0.05):
            self.logger.warning("bank declined %d cents for order %d", cents, order)
            raise Refused(402, "declined")
        if self.world.chance(0.2):
            self.logger.info("bank wants order %d confirmed by the customer", order)
            yield self.world.about(9_000)
            self.logger.info("customer confirmed payment of order %d", order)
        self.logger.info("bank authorised %d cents for order %d in %d ms", cents, order, took)

    def _capture(self, order: int, cents: int) -> Steps[None]:
        took = yield from self._ask_bank("capture", order)
        self.logger.info("captured money for order %d after %d ms", order, took)

    def _book(self, order: int, cents: int) -> Steps[None]:
        yield self.world.work(60)
        self.logger.info("booked %d cents to account %d", cents, 8_000 + order % 40)

    def _confirm(self, order: int, cents: int) -> Steps[None]:
        yield self.world.work(150)
        self.logger.debug("queued receipt mail for order %d", order)

    def refund(self, order: int, cents: int) -> Steps[None]:
        """Pay ``cents`` back."""
        took = yield from self._ask_bank("refund", order)
        self.logger.info("refunded %d cents of order %d in %d ms", cents, order, took)

    def _ask_bank(self, what: str, order: int) -> Steps[int]:
        for attempt in range(1, TRIES + 1):
            self.logger.debug("sending %s request for order %d to the bank", what, order)
            try:
                took = yield from self.bank.ask()
            except TooLate:
                self.logger.warning("bank timed out on %s, attempt %d of %d", what, attempt, TRIES)
                continue
            if took > self.bank.slow:
                self.logger.warning("bank needed %d ms for %s, that is slow", took, what)
            return took
        self.logger.error("bank unreachable, %s of order %d is abandoned", what, order)
        raise Refused(504, "bank_timeout")


class Reports:
    """Reports for the owners of the shop, built from research's figures and kept on disk."""

    logger = get_logger("manager.reports")

    def __init__(self, world: World) -> None:
        self.world = world
        self.client = Client(world, "manager", "research")
        self.figures: Callable[[str, int], Steps[int]]

    def build(self, report: int, sections: list[str]) -> Steps[None]:
        """Build and keep report number ``report``."""
        self.logger.info("building report %d with %d sections", report, len(sections))
        for step in self.world.deliver((self._collect, self._render, self._write, self._announce)):
            yield from step(report, sections)
        self.logger.info("report %d is ready", report)

    def _collect(self, report: int, sections: list[str]) -> Steps[None]:
        for section in sections:
            rows = yield from self.client.call(self.figures, section, 30)
            self.logger.debug("received %d rows of section %s", rows, section)

    def _render(self, report: int, sections: list[str]) -> Steps[None]:
        yield self.world.work(5_000)
        self.logger.info("rendered %d pages of report %d", 3 * len(sections) + report % 5, report)

    def _write(self, report: int, sections: list[str]) -> Steps[None]:
        path = f"/var/lib/shop/reports/{report}.pdf"
        try:
            took = yield from self.world.write_file(path, 400_000)
        except OSError:
            self.logger.exception("saving report %d failed", report)
            raise Refused(507, "disk_full") from None
        self.logger.info("stored file %s in %d ms", path, took)

    def _announce(self, report: int, sections: list[str]) -> Steps[None]:
        yield self.world.about(120)
        self.logger.debug("notified %d subscribers about report %d", 1 + report % 7, report)


class Housekeeping:
    """Background jobs."""

    logger = get_logger("manager.housekeeping")

    def __init__(self, world: World, ledger: Ledger) -> None:
        self.world, self.ledger = world, ledger

    def ping(self) -> Steps[str]:
        """The answer to a heartbeat."""
        self.logger.debug("heartbeat: %d of %d ledger connections free", self.ledger.pool.free, self.ledger.pool.size)
        yield self.world.about(2)
        return "up"

    def sweep_sessions(self) -> Steps[None]:
        """End sessions of customers who went away."""
        self.logger.info("session sweep started")
        yield self.world.about(300)
        self.logger.info("session sweep ended %d idle sessions", int(self.world.rng.random() * 120))


class Manager:
    """The service as a whole."""

    def __init__(self, world: World) -> None:
        self.ledger = Ledger(world)
        self.accounts = Accounts(world)
        self.stock = Stock(world)
        self.orders = Orders(world, self.ledger, self.stock)
        self.payments = Payments(world, self.ledger)
        self.reports = Reports(world)
        self.housekeeping = Housekeeping(world, self.ledger)


def price_of(product: int) -> int:
    """List price of a product in cents."""
    return 199 + product * 7919 % 20_000
