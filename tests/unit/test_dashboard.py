"""rq-dashboard behind deploy/dashboard.py: a password, a look at the queue and the workers, and no hand on them."""

from __future__ import annotations

import base64
import json
import os
import pickle
import runpy
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from rq.job import Job

from bot.settings import ENV_FILE
from bot.stores import bell, embedded
from bot.stores.connection import Store
from bot.stores.mailbox import Mailbox
from simulator.ports import free_port
from tests.contract.recorder import Recorder, ring
from workers import jobs
from workers.worker import TurnWorker

ROOT = Path(__file__).parents[2]
PASSWORD = "9f2c61d07ab34e58"
ANA = "whatsapp:100200:34600111222"
JOBS = f"/0/data/jobs/{bell.QUEUE}/queued/8/asc/1.json"
WORKERS = "/0/data/workers.json"
PAGES = ("/", "/0/view/workers", "/0/view/jobs", "/0/data/queues.json", JOBS, WORKERS)


def environment(password: str, **more: str) -> dict[str, str]:
    plain = {"PATH": os.environ["PATH"], ENV_FILE: "", "PYTHONPATH": str(ROOT), "HOST": "127.0.0.1"}
    return plain | {"DASHBOARD_PASSWORD": password} | more


@pytest.fixture(scope="module")
def address(redis_dir: Path) -> Iterator[str]:
    port = free_port()
    env = environment(PASSWORD, REDIS_URL=f"unix://{embedded.socket_path(redis_dir)}")
    with subprocess.Popen([sys.executable, "deploy/dashboard.py", "--port", str(port)], cwd=ROOT, env=env) as process:
        try:
            yield wait_for(f"http://127.0.0.1:{port}", process)
        finally:
            process.terminate()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            assert httpx.get(f"{url}/healthz").text == "ok\n"
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return url
    raise AssertionError("the dashboard did not start")


@pytest.fixture
def page(address: str) -> Iterator[httpx.Client]:
    """Somebody who knows the password; the user's name does not matter."""
    with httpx.Client(base_url=address, auth=("anybody", PASSWORD), timeout=30) as client:
        yield client


def everything(store: Store) -> dict[bytes, bytes | None]:
    return {name: store.client.dump(name) for name in store.client.keys("*")}


@pytest.mark.parametrize("auth", [None, ("admin", ""), ("admin", PASSWORD[:-1]), ("admin", f"{PASSWORD}x")])
def test_nobody_sees_anything_without_the_password(address: str, auth: tuple[str, str] | None) -> None:
    """No page, no figure and no picture."""
    asked = (*PAGES, "/static/css/main.css", "/nowhere", "/requeue/recado")

    assert {httpx.get(address + path, auth=auth).status_code for path in asked} == {401}


def test_the_queue_and_a_worker_at_its_turn_are_shown(page: httpx.Client, store: Store, mailbox: Mailbox) -> None:
    """With real wake-ups and a real worker; a job's arguments, which are telephone numbers, are on no page."""
    seen, busy = [], []

    def look(_: str) -> None:
        busy.extend(page.get(WORKERS).json()["workers"])
        seen.append(page.get(f"/0/data/job/{busy[-1]['current_job']['job_id']}.json").text)

    ring(mailbox, ANA, f"{ANA}1")
    (queue,) = page.get("/0/data/queues.json").json()["queues"]
    listed = page.get(JOBS).json()["jobs"]
    seen += [page.get(path).text for path in (*PAGES, f"/0/view/job/{listed[0]['id']}")]
    recorder = Recorder(look)
    jobs.use(recorder)  # type: ignore[arg-type]
    worker = TurnWorker(store.client, recorder, 1)  # type: ignore[arg-type]
    worker.work(burst=True)

    assert (queue["name"], queue["count"]) == (bell.QUEUE, 2)
    assert [job["description"] for job in listed] == [bell.JOB] * 2
    assert recorder.answered == [ANA, f"{ANA}1"]
    assert [one["name"] for one in busy] == [worker.name] * 2
    assert {one["current_job"]["call_string"] for one in busy} == {f"{bell.JOB}('…')"}
    assert not any("34600111222" in text for text in [*seen, repr(busy)])


def test_looking_changes_nothing_in_redis(page: httpx.Client, store: Store, mailbox: Mailbox) -> None:
    """Not even what RQ's own reading tidies up in passing: a job that is gone, a worker that is gone."""
    ring(mailbox, ANA)
    store.client.rpush(bell.QUEUE_KEY, "ring-gone")
    store.client.sadd(bell.WORKERS_KEY, "rq:worker:gone")
    before = everything(store)

    assert {page.get(path).status_code for path in PAGES} == {200}
    assert everything(store) == before


def test_its_client_writes_nothing_alone_or_in_a_pipeline(store: Store) -> None:
    reader = runpy.run_path(str(ROOT / "deploy" / "dashboard.py"))["Reader"](
        connection_pool=store.client.connection_pool
    )
    store.client.set("there", "1")
    pipe = reader.pipeline()
    pipe.get("there")
    pipe.delete("there")
    pipe.set("new", "1")

    assert (reader.set("new", "1"), reader.eval("return redis.call('DEL', 'there')", 0)) == (0, 0)
    assert pipe.execute() == [b"1", 0, 0]
    assert everything(store).keys() == {b"there"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/job/{}/delete"), ("POST", "/job/{}/requeue"), ("GET", "/requeue/recado"),
        ("POST", "/requeue/recado"), ("POST", "/queue/recado/queued/empty"), ("POST", "/queue/recado/compact"),
        ("POST", "/0/data/queues.json"),
    ],
)  # fmt: skip
def test_nothing_can_be_deleted_or_queued_again(
    page: httpx.Client, store: Store, mailbox: Mailbox, method: str, path: str
) -> None:
    ring(mailbox, ANA)
    job = store.client.lindex(bell.QUEUE_KEY, 0).decode()
    store.client.zadd(f"rq:failed:{bell.QUEUE}", {job: 4e9})
    before = everything(store)

    assert page.request(method, path.format(job)).status_code == 403
    assert everything(store) == before


class Bomb:
    """What a stranger with a way into Redis would leave there for whoever reads with pickle."""

    def __init__(self, crater: Path) -> None:
        self.crater = crater

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.crater),)


def plant(store: Store, mailbox: Mailbox, bomb: bytes) -> str:
    """A hostile job in everything of it that RQ reads with its serializer: call, meta, result; and a busy worker."""
    ring(mailbox, ANA)
    job: str = store.client.lindex(bell.QUEUE_KEY, 0).decode()
    store.client.hset(f"rq:job:{job}", mapping={"data": bomb, "meta": bomb, "result": bomb, "status": "finished"})
    result = {"type": "1", "return_value": base64.b64encode(bomb), "created_at": "1"}
    store.client.xadd(f"rq:results:{job}", result)
    born = {"birth": "2026-01-01T00:00:00.000000Z", "last_heartbeat": "2026-01-01T00:00:00.000000Z"}
    store.client.hset("rq:worker:w", mapping=born | {"current_job": job, "queues": bell.QUEUE, "state": "busy"})
    store.client.sadd(bell.WORKERS_KEY, "rq:worker:w")
    return job


def test_a_hostile_pickle_in_a_job_runs_nothing(
    page: httpx.Client, store: Store, mailbox: Mailbox, tmp_path: Path
) -> None:
    """RQ's own reader runs it at once; here every page is shown, and nothing has happened."""
    bomb = pickle.dumps(Bomb(tmp_path / "crater"))
    job = plant(store, mailbox, bomb)
    paths = (*PAGES, f"/0/view/job/{job}", f"/0/data/job/{job}.json")

    assert {page.get(path).status_code for path in paths} == {200}
    assert not (tmp_path / "crater").exists()
    Job.fetch(job, connection=store.client)
    assert (tmp_path / "crater").exists()


def test_what_stands_in_a_job_becomes_no_part_of_the_page(page: httpx.Client, store: Store, mailbox: Mailbox) -> None:
    """The page's script writes some of it into HTML as it is, so it comes without what opens a tag or an attribute."""
    ring(mailbox, ANA)
    job = store.client.lindex(bell.QUEUE_KEY, 0).decode()
    store.client.hset(f"rq:job:{job}", "description", '<img src="x" onerror="alert(1)">')
    text = page.get(f"/0/data/job/{job}.json").json()["description"]

    assert "onerror" in text
    assert not set('<>"') & set(text)


def test_what_a_job_gave_back_becomes_no_part_of_the_page_either(
    page: httpx.Client, store: Store, mailbox: Mailbox
) -> None:
    """Its names as little as its values: the page's script writes the whole of it into HTML."""
    markup = '<img src="x" onerror="alert(1)">'
    job = plant(store, mailbox, json.dumps({markup: [{markup: markup}]}).encode())
    shown = page.get(f"/0/data/job/{job}.json").json()
    (names,), (values,) = shown["result"].keys(), shown["result"].values()

    assert "onerror" in names
    assert not set('<>"') & set(names + "".join(values[0]) + "".join(values[0].values()) + shown["metadata"])


@pytest.mark.parametrize("path", ["/1/view/workers", "/0/view/jobs/a'b/queued/8/asc/1", "/0/view/job/<b>", "/nowhere"])
def test_an_address_that_leads_nowhere_is_not_found(page: httpx.Client, path: str) -> None:
    """Another Redis by its number, or a queue's name that would end a word in the page's script."""
    assert page.get(path).status_code == 404


@pytest.mark.parametrize("password", ["", "short", "change-me-change-me"])
def test_without_a_password_of_its_own_it_does_not_start(password: str, tmp_path: Path) -> None:
    env = environment(password, DATA_DIR=str(tmp_path))
    command = [sys.executable, "deploy/dashboard.py"]
    found = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)

    assert found.returncode == 2
    assert found.stderr.startswith("DASHBOARD_PASSWORD ")
    assert "Traceback" not in found.stderr


def test_no_pickle_at_all_is_obeyed_in_its_process(tmp_path: Path) -> None:
    """Whatever library would read one: what it names is refused before it is looked up."""
    bomb = pickle.dumps(Bomb(tmp_path / "crater"))
    code = f"import dashboard, pickle; dashboard.refuse_pickles(); pickle.loads({bomb!r})"
    env = environment("", PYTHONPATH=f"{ROOT}{os.pathsep}{ROOT / 'deploy'}")
    found = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )

    assert "refused: data is not code" in found.stderr
    assert not (tmp_path / "crater").exists()
