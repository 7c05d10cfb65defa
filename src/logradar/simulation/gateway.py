"""The gateway service: takes requests from outside, checks tokens, calls the other services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from logradar.simulation.client import Client, Refused
from logradar.simulation.journal import get_logger
from logradar.simulation.manager import Manager
from logradar.simulation.research import Research
from logradar.simulation.scheduler import Steps
from logradar.simulation.world import World

CHECKS: Final = 3


@dataclass(frozen=True)
class Request:
    """A request from outside; fields that its kind does not need are 0 or empty."""

    kind: str
    method: str
    path: str
    user: int
    address: str
    words: str = ""
    page: int = 1
    products: tuple[int, ...] = ()
    order: int = 0
    sections: tuple[str, ...] = ()


class Auth:
    """Tokens of customers."""

    logger = get_logger("gateway.auth")

    def __init__(self, world: World, manager: Manager, client: Client) -> None:
        self.world, self.manager, self.client = world, manager, client

    def check(self, user: int) -> Steps[None]:
        """Pass with a good token, refresh an expired one, `Refused` when that does not help."""
        yield self.world.about(20)
        for attempt in range(CHECKS):
            if self.world.token_is_good(fresh=attempt > 0):
                self.logger.debug("accepted token of user %d", user)
                return
            self.logger.info("token of user %d not accepted, refreshing it", user)
            yield from self.client.call(self.manager.accounts.refresh, user)
        self.logger.error("denied access to user %d, token rejected %d times", user, CHECKS)
        raise Refused(401, "token_rejected")


class Gateway:
    """The service as a whole: one method for each kind of request."""

    access = get_logger("gateway.access")
    logger = get_logger("gateway.routes")

    def __init__(self, world: World, research: Research, manager: Manager) -> None:
        self.world, self.research, self.manager = world, research, manager
        self.to_research = Client(world, "gateway", "research")
        self.to_manager = Client(world, "gateway", "manager")
        self.auth = Auth(world, manager, self.to_manager)
        self.routes = {
            kind: getattr(self, kind)
            for kind in ("login", "search", "browse", "recommend", "order", "payment", "cancel", "report", "feed")
        }

    def serve(self, request: Request) -> Steps[None]:
        """Answer a request, also when it fails."""
        began = self.world.now
        self.access.info("request %s %s from %s", request.method, request.path, request.address)
        yield self.world.about(6)
        try:
            yield from self.routes[request.kind](request)
            status = 200
        except Refused as refusal:
            status = refusal.status
            self.access.warning("request not fulfilled: %s", refusal.reason)
        yield self.world.about(12)
        self.access.info("responded with status %d after %d ms", status, self.world.now - began)

    def login(self, request: Request) -> Steps[None]:
        """Sign in."""
        known = yield from self.to_manager.call(self.manager.accounts.login, request.user)
        if not known:
            raise Refused(401, "wrong_password")
        self.logger.info("opened session of user %d", request.user)

    def search(self, request: Request) -> Steps[None]:
        """Find products."""
        yield from self.auth.check(request.user)
        found = yield from self.to_research.call(self.research.search.find, request.words, request.page)
        self.logger.info("sending %d of %d results to the customer", min(found, 20), found)

    def browse(self, request: Request) -> Steps[None]:
        """Show a product: details and stock are requested at the same time."""
        product = request.products[0]
        price, pieces = yield from self.world.scheduler.together(
            self.to_research.call(self.research.catalogue.details, product),
            self.to_manager.call(self.manager.stock.available, product),
        )
        self.logger.info("showing product %d for %d cents, %d in stock", product, price, pieces)

    def recommend(self, request: Request) -> Steps[None]:
        """Suggest products."""
        yield from self.auth.check(request.user)
        count = yield from self.to_research.call(self.research.recommendations.suggest, request.user)
        self.logger.info("recommending %d products to user %d", count, request.user)

    def order(self, request: Request) -> Steps[None]:
        """Order the products in the basket."""
        yield from self.auth.check(request.user)
        self.logger.info("checkout of user %d with %d products", request.user, len(request.products))
        order = yield from self.to_manager.call(self.manager.orders.place, request.user, list(request.products))
        self.logger.info("order %d confirmed to user %d", order, request.user)

    def payment(self, request: Request) -> Steps[None]:
        """Pay an order."""
        yield from self.auth.check(request.user)
        cents = 199 + request.order * 7919 % 60_000
        yield from self.to_manager.call(self.manager.payments.pay, request.order, cents)
        self.logger.info("user %d paid order %d", request.user, request.order)

    def cancel(self, request: Request) -> Steps[None]:
        """Cancel an order and pay the money back."""
        yield from self.auth.check(request.user)
        cents = yield from self.to_manager.call(self.manager.orders.cancel, request.order)
        yield from self.to_manager.call(self.manager.payments.refund, request.order, cents)
        self.logger.info("cancelled order %d for user %d", request.order, request.user)

    def report(self, request: Request) -> Steps[None]:
        """Build a report for the owners."""
        yield from self.auth.check(request.user)
        yield from self.to_manager.call(self.manager.reports.build, request.order, list(request.sections))
        self.logger.info("report %d can be downloaded", request.order)

    def feed(self, request: Request) -> Steps[None]:
        """Take in a supplier's product feed."""
        self.logger.info("supplier %s announces %d feed files", request.words, request.page)
        count = yield from self.to_research.call(self.research.importer.run, request.words, request.page)
        self.logger.info("feed of %s brought %d products", request.words, count)


class Health:
    """Background job: asks the other services whether they are alive."""

    logger = get_logger("gateway.health")

    def __init__(self, world: World, research: Research, manager: Manager) -> None:
        self.world, self.research, self.manager = world, research, manager
        self.to_research = Client(world, "gateway", "research")
        self.to_manager = Client(world, "gateway", "manager")

    def beat(self) -> Steps[None]:
        """One round of heartbeats."""
        self.logger.debug("heartbeat round begins")
        research = yield from self.to_research.call(self.research.housekeeping.ping)
        manager = yield from self.to_manager.call(self.manager.housekeeping.ping)
        self.logger.info("heartbeat: research is %s, manager is %s", research, manager)
