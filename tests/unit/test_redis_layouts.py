"""Redis with a replica, or as one: what is less safe than the operator wants is refused, and nothing is half done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import SettingsError, StoreUnavailable
from bot.stores import embedded
from bot.stores.connection import Store, connect
from simulator.ports import free_port
from simulator.processes import wait_until
from tests.servers import serving
from tests.unit.mailboxes import ANA, open_mailbox, said, taken_texts


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Store]:
    """A server of the test's own, whose place among others it may change."""
    with serving(tmp_path / "own", "--appendfsync", "no"):
        store = connect(f"unix://{embedded.socket_path(tmp_path / 'own')}", tmp_path, 5)
        yield store
        store.close()


def test_without_the_replicas_that_the_operator_wants_nothing_is_accepted(own: Store) -> None:
    """min-replicas-to-write: the platform hears no 200 for what one server alone would have."""
    own.client.config_set("min-replicas-to-write", 1)
    with pytest.raises(StoreUnavailable, match="NOREPLICAS"):
        open_mailbox(own).accept([said(1)])

    assert own.client.dbsize() == 0
    own.client.config_set("min-replicas-to-write", 0)
    assert open_mailbox(own).accept([said(1)]) == 1  # the platform sends it again, and it is new


def test_with_its_replica_there_everything_goes_on(own: Store, tmp_path: Path) -> None:
    port = free_port()
    own.client.config_set("port", port)
    own.client.config_set("repl-diskless-sync-delay", 0)
    own.client.config_set("min-replicas-to-write", 1)
    with serving(tmp_path / "replica", "--appendfsync", "no", "--replicaof", f"127.0.0.1 {port}"):
        assert wait_until(lambda: own.client.info("replication").get("min_slaves_good_slaves") == 1, 30)
        mailbox = open_mailbox(own)
        mailbox.accept([said(1, "hola")])

        assert taken_texts(mailbox, "a", ANA) == ["hola"]


def test_a_primary_that_became_a_replica_refuses_what_it_would_lose(own: Store) -> None:
    """After a failover, whoever is still connected to the old primary hears so, and the platform keeps the message."""
    own.client.replicaof("127.0.0.1", free_port())
    with pytest.raises(StoreUnavailable, match=r"read only|READONLY"):
        open_mailbox(own).accept([said(1)])


@pytest.mark.parametrize("url", ["redis+sentinel://127.0.0.1:26379/mymaster", "sentinel://127.0.0.1:26379"])
def test_the_address_of_a_sentinel_is_refused_in_words(url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL"):
        connect(url, tmp_path, 5)
