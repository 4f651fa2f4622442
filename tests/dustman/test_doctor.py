"""`dustman doctor` against the simulated venue and a real Redis: every row has its verdict and its fix."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from domain.errors import ConfigurationError, RefusedByPolicy
from dustman.checks.venue import check_account
from dustman.exits import Exit
from dustman.redis_server import free_port
from dustman.settings import load
from dustman.webhooks import address_of
from dustman.wiring import open_log, open_redis, refuse_dangerous_key
from events.feed import Feed
from events.obstacle import Obstacle, Obstacles
from events.subscription import Subscription
from simulators.coinbase.scenarios import small
from simulators.coinbase.twin import CoinbaseTwin
from simulators.exchange.twin import shared_certificates
from tests.dustman.api_keys import ed25519, key_file
from tests.dustman.conftest import Outcome, Typed
from tests.events.samples import new
from tests.postgres_server import PASSWORD, Database
from tests.receiver import SECRET, Receiver
from tests.redis_server import RedisServer


@pytest.fixture(scope="module")
def twin() -> Iterator[CoinbaseTwin]:
    with CoinbaseTwin(small()) as running:
        yield running


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


def configure(home: Path, twin: CoinbaseTwin, redis_port: int, *lines: str, key: Path | None = None) -> Path:
    config = home / "dustman.yaml"
    account = [
        "venue: coinbase",
        f"key: {key or twin.key_file()}",
        f"base_url: https://{twin.base_url}",
        f"ca_file: {twin.ca_file}",
        *lines,
    ]
    written = "\n    ".join(account)
    config.write_text(f"redis: {{url: redis://127.0.0.1:{redis_port}}}\naccounts:\n  main:\n    {written}\n")
    config.chmod(0o644)
    return config


def rows(ended: Outcome) -> dict[str, tuple[str, str, str]]:
    return {row["check"]: (row["verdict"], row["sentence"], row["fix"]) for row in ended.value["findings"]}


def test_doctor__all_is_well__says_so_row_by_row(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    configure(home, twin, redis.port)
    Path(twin.key_file()).chmod(0o600)
    ended = dustman("doctor", "--json")
    verdicts = {check: verdict for check, (verdict, _, _) in rows(ended).items()}
    # A venue may tell no time with its answers; the clock has tests of its own below.
    assert verdicts.pop("main: clock") in {"ok", "skip"}
    assert verdicts == {
        "python": "ok",
        "sqlite": "ok",
        "settings": "ok",
        "settings file": "ok",
        ".env": "skip",
        "main: key file": "ok",
        "log": "ok",
        "redis": "ok",
        "redis eviction": "ok",
        "parked": "ok",
        "main: schedule": "ok",
        "main: venue": "ok",
        "main: key": "ok",
        "main: rights": "ok",
        "main: balances": "ok",
        "main: target": "ok",
    }
    assert (ended.exit, ended.value["healthy"], ended.err) == (Exit.DONE, True, "")
    drawn = dustman("doctor")
    assert drawn.exit == Exit.DONE
    assert "ok    main: rights: the key may view and trade, and not transfer\n" in drawn.out
    assert "ok    main: target: BTC is bought at BTC-USDC\n" in drawn.out


def test_doctor__a_key_that_may_transfer__fails_and_live_mode_refuses(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    config = configure(home, twin, redis.port, key=twin.key_file(["view", "trade", "transfer"]))
    ended = dustman("doctor", "--json")
    verdict, sentence, fix = rows(ended)["main: rights"]
    assert (ended.exit, ended.value["healthy"], verdict) == (Exit.CONFIGURATION, False, "fail")
    assert "may transfer money out of the account" in sentence
    assert "View and Trade" in fix
    with pytest.raises(RefusedByPolicy, match="main: its key may transfer money out"):
        refuse_dangerous_key(load(config, {}), "main")


def test_doctor__a_key_that_may_only_look__fails(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    config = configure(home, twin, redis.port, key=twin.key_file(["view"]))
    ended = dustman("doctor", "--json")
    assert (ended.exit, rows(ended)["main: rights"][:2]) == (4, ("fail", "the key may not trade"))
    with pytest.raises(ConfigurationError, match="must have the rights to view and to trade"):
        refuse_dangerous_key(load(config, {}), "main")


def test_refuse_dangerous_key__one_that_views_and_trades__passes(
    home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    settings = load(configure(home, twin, redis.port), {})
    refuse_dangerous_key(settings, "main")
    assert settings.exchange("main").key != "env"


def test_doctor__a_key_the_venue_does_not_know__fails_with_its_sentence(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    secret = ed25519()
    configure(home, twin, redis.port, key=key_file(home / "other.json", secret))
    ended = dustman("doctor", "--json")
    verdict, sentence, _ = rows(ended)["main: rights"]
    assert (ended.exit, verdict) == (Exit.CONFIGURATION, "fail")
    assert "does not accept the key" in sentence
    assert secret not in ended.out + ended.err


def test_doctor__no_key__fails_and_does_not_ask_the_venue(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    configure(home, twin, redis.port, key=home / "missing.json")
    told = rows(dustman("doctor", "--json"))
    assert told["main: key"][0] == told["main: key file"][0].replace("skip", "fail") == "fail"
    assert "there is no such key file" in told["main: key"][1]
    assert told["main: rights"][0] == "skip"


def test_doctor__files_open_to_others__warns_and_names_the_command(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    config = configure(home, twin, redis.port, key=key_file(home / "cdp.json", ed25519()))
    (home / ".env").write_text("OTHER=1\n")
    (home / ".env").chmod(0o640)
    (home / "cdp.json").chmod(0o604)
    config.chmod(0o666)
    told = rows(dustman("doctor", "--json"))
    assert told["settings file"][::2] == ("warn", "chmod go-w dustman.yaml")
    assert told[".env"][::2] == ("warn", "chmod 600 .env")
    assert told["main: key file"][::2] == ("warn", f"chmod 600 {home / 'cdp.json'}")


def test_doctor__bad_settings__fails_with_every_mistake_and_skips_the_rest(dustman: Typed, home: Path) -> None:
    (home / "dustman.yaml").write_text("accounts: {main: {venue: kraken, threshold: 0,5}}")
    ended = dustman("doctor", "--json")
    verdict, sentence, _ = rows(ended)["settings"]
    assert (ended.exit, verdict) == (Exit.CONFIGURATION, "fail")
    assert '"kraken" is not coinbase' in sentence
    assert rows(ended)["log, redis and accounts"][0] == "skip"
    assert "fix: mend the file" in dustman("doctor").out


def test_doctor__redis_throws_entries_away__fails(
    dustman: Typed, home: Path, twin: CoinbaseTwin, tmp_path: Path
) -> None:
    with RedisServer(tmp_path / "redis", maxmemory_policy="allkeys-lru") as server:
        configure(home, twin, server.port)
        told = rows(dustman("doctor", "--json"))
    assert told["redis eviction"][:2] == ("fail", "maxmemory-policy is allkeys-lru")


def test_doctor__a_redis_user_with_few_rights__warns(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, twin, redis.port)
    with redis.client() as client:
        client.execute_command("ACL", "SETUSER", "worker", "on", ">pass", "~*", "+@all", "-config")
    monkeypatch.setenv("DUSTMAN_REDIS_URL", f"redis://worker:pass@127.0.0.1:{redis.port}")
    told = rows(dustman("doctor", "--json"))
    assert told["redis"][0] == "ok"
    assert told["redis eviction"][:2] == ("warn", "this user may not read the server's configuration")


def test_doctor__nothing_answers__fails_without_a_password_and_within_seconds(
    dustman: Typed, home: Path, twin: CoinbaseTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, twin, 1, f"threshold: 1 # and the venue at port {free_port()}")
    monkeypatch.setenv("DUSTMAN_REDIS_URL", f"redis://:hunter2hunter2@127.0.0.1:{free_port()}")
    text = (home / "dustman.yaml").read_text().replace(twin.base_url, f"localhost:{free_port()}")
    (home / "dustman.yaml").write_text(text)
    ended = dustman("doctor", "--json")
    told = rows(ended)
    assert ended.exit == Exit.CONFIGURATION
    assert told["redis"][0] == told["main: venue"][0] == "fail"
    assert "does not answer (ConnectionError)" in told["redis"][1]
    assert "cannot be reached (ConnectionRefusedError)" in told["main: venue"][1]
    assert "hunter2" not in ended.out + ended.err


def test_doctor__a_log_that_cannot_be_kept__fails(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, twin, redis.port)
    (home / "file").write_text("not a directory")
    monkeypatch.setenv("DUSTMAN_LOG_URL", "sqlite:///file/log.db")
    verdict, sentence, _ = rows(dustman("doctor", "--json"))["log"]
    assert verdict == "fail"
    assert "cannot be made" in sentence
    monkeypatch.setenv("DUSTMAN_LOG_URL", "sqlite:///file")
    verdict, sentence, fix = rows(dustman("doctor", "--json"))["log"]
    assert (verdict, fix) == ("fail", "stop all workers and keep what is there; do not write to it")


def test_doctor__a_log_in_postgresql__is_written_to_and_what_is_wrong_has_its_fix(
    dustman: Typed,
    home: Path,
    twin: CoinbaseTwin,
    redis: RedisServer,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure(home, twin, redis.port)
    monkeypatch.setenv("DUSTMAN_LOG_URL", database.url)
    verdict, sentence, _ = rows(dustman("doctor", "--json"))["log"]
    assert (verdict, sentence.endswith(f"/{database.name} holds 0 events and can be written")) == ("ok", True)
    for url, words in (
        (database.reader_url, "may not be used so by this user"),
        (database.url.replace(PASSWORD, "wrong-word"), "does not let this user in"),
        (f"{database.url}x", "does not let this user in"),
    ):
        monkeypatch.setenv("DUSTMAN_LOG_URL", url)
        ended = dustman("doctor", "--json")
        verdict, sentence, fix = rows(ended)["log"]
        assert (verdict, words in sentence, "dustman log create" in fix) == ("fail", True, True)
        assert PASSWORD not in ended.out + ended.err


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("ca_file: missing.pem", "cannot be used (No such file or directory)"),
        ("target: XRP", "the venue has no market for XRP in USDC or USD"),
        ("hubs: [BTC]", "sales are paid in BTC itself"),
    ],
)
def test_doctor__what_the_account_asks_for__is_looked_up(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer, line: str, words: str
) -> None:
    config = configure(home, twin, redis.port, *([] if line.startswith("ca_file") else [line]))
    if line.startswith("ca_file"):
        config.write_text(config.read_text().replace(f"ca_file: {twin.ca_file}", line))
    assert words in json.dumps(rows(dustman("doctor", "--json")))


def test_doctor__a_certificate_nobody_vouches_for__is_told_from_a_dead_venue(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    config = configure(home, twin, redis.port)
    config.write_text(config.read_text().replace(f"    ca_file: {twin.ca_file}\n", ""))
    verdict, sentence, fix = rows(dustman("doctor", "--json"))["main: venue"]
    assert verdict == "fail"
    assert "shows a certificate that is not trusted" in sentence
    assert "set ca_file" in fix


@contextmanager
def venue_whose_clock_is_off(by: timedelta | None) -> Iterator[int]:
    """A TLS server that tells the time and nothing else, `by` ahead of ours; None tells no time."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = shared_certificates().context()

    def serve() -> None:
        with listener.accept()[0] as line, context.wrap_socket(line, server_side=True) as secure:
            secure.recv(4096)
            date = b"" if by is None else f"Date: {format_datetime(datetime.now(UTC) + by, usegmt=True)}\r\n".encode()
            secure.sendall(b"HTTP/1.1 200 OK\r\n" + date + b"Content-Length: 0\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    yield listener.getsockname()[1]
    thread.join(5)
    listener.close()


@pytest.mark.parametrize(
    ("by", "verdict", "words"),
    [
        (timedelta(seconds=-10), "warn", "s ahead of the venue's"),
        (timedelta(seconds=90), "fail", "s behind the venue's"),
        (timedelta(seconds=1), "ok", "within 5 s of the venue's"),
        (None, "skip", "names no time"),
    ],
)
def test_check_account__the_clocks_differ__says_by_how_much(
    home: Path, twin: CoinbaseTwin, by: timedelta | None, verdict: str, words: str
) -> None:
    with venue_whose_clock_is_off(by) as port:
        config = configure(home, twin, 1, key=home / "missing.json")
        config.write_text(config.read_text().replace(twin.base_url, f"localhost:{port}"))
        found = {finding.check: finding for finding in check_account(load(config, {}), "main")}
    clock = found["main: clock"]
    assert clock.verdict == verdict
    assert words in clock.sentence


def test_check_account__a_server_that_hangs_up__is_a_venue_that_cannot_be_reached(
    home: Path, twin: CoinbaseTwin
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def hang_up() -> None:
        listener.accept()[0].close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    config = configure(home, twin, 1, key=home / "missing.json")
    config.write_text(config.read_text().replace(twin.base_url, f"localhost:{listener.getsockname()[1]}"))
    found = {finding.check: finding for finding in check_account(load(config, {}), "main")}
    thread.join(5)
    listener.close()
    assert found["main: venue"].verdict == "fail"
    assert "cannot be reached" in found["main: venue"].sentence


def webhooks(home: Path, url: str, *lines: str, secret: str = SECRET) -> None:
    (home / "secret").write_text(secret)
    (home / "secret").chmod(0o600)
    told = "\n    ".join((f"url: {url}", "secret: secret", *lines))
    config = home / "dustman.yaml"
    config.write_text(f"{config.read_text()}webhooks:\n  ledger:\n    {told}\n")


def test_doctor__a_webhook_that_is_well__says_so(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    configure(home, twin, redis.port)
    certificates = shared_certificates()
    with Receiver(certificates.context()) as there:
        webhooks(home, there.url("/hook?token=hidden"), f"ca_file: {certificates.ca_file}")
        ended = dustman("doctor", "--json")
        assert there.tries == {}
    found = rows(ended)
    assert found["ledger: secret"][:2] == ("ok", "32 bytes")
    assert found["ledger: secret file"][0] == "ok"
    assert found["ledger: receiver"][0] == "ok"
    assert found["ledger: deliveries"][:2] == ("ok", "0 events wait")
    assert ended.exit == Exit.DONE
    assert "hidden" not in ended.out
    assert SECRET not in ended.out


def test_doctor__a_webhook_that_cannot_work__fails_with_its_fix(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    configure(home, twin, redis.port)
    webhooks(home, f"https://127.0.0.1:{free_port()}/", secret="whsec_c2hvcnQ=")
    ended = dustman("doctor", "--json")
    assert rows(ended)["ledger: secret"][0] == rows(ended)["ledger: receiver"][0] == "fail"
    assert "24 to 64 random bytes" in rows(ended)["ledger: secret"][1]
    assert "(ConnectionRefusedError)" in rows(ended)["ledger: receiver"][1]
    assert ended.exit == Exit.CONFIGURATION
    with Receiver(shared_certificates().context()) as there:
        configure(home, twin, redis.port)
        webhooks(home, there.url())
        assert "is not trusted" in rows(dustman("doctor", "--json"))["ledger: receiver"][1]


def test_doctor__parked_events_and_a_stopped_webhook__fail_and_status_says_so(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    configure(home, twin, redis.port)
    webhooks(home, "http://127.0.0.1:9/", "start: beginning")
    settings = load(home / "dustman.yaml", {})
    log = open_log(settings)
    log.append("account-main", 0, [new("1"), new("2")])
    with open_redis(settings) as client:
        assert "webhook ledger is behind, 2 events wait" in dustman("status").err
        Feed(client, log.identity).publish_pending(log)
        consumer = Subscription(client, log, "auditor", "one")
        consumer.give_up(consumer.take()[0], "cannot read this")
        Obstacles(client, log.identity, "ledger").put(
            Obstacle(address_of(settings.webhook("ledger")), 1, 1, "410 Gone", 0.0, stopped=True)
        )
    log.close()
    ended, status = dustman("doctor", "--json"), dustman("status")
    found = rows(ended)
    assert (ended.exit, found["parked"][:2]) == (
        Exit.CONFIGURATION,
        ("fail", "events are parked, 1 of auditor; see `dustman parked list`"),
    )
    assert found["ledger: deliveries"][:2] == ("fail", "the receiver wants no more events (position 1: 410 Gone)")
    assert "events are parked, 1 of auditor; see `dustman parked list`" in status.err
    assert "webhook ledger is stopped, 2 events wait (position 1: 410 Gone)" in status.err
    assert status.exit == Exit.DONE


def test_doctor__two_accounts_with_one_key__says_that_both_would_sell_the_same(
    dustman: Typed, home: Path, twin: CoinbaseTwin, redis: RedisServer
) -> None:
    config = configure(home, twin, redis.port)
    settings = config.read_text()
    again = settings.partition("  main:\n")[2]
    config.write_text(f"{settings}  again:\n{again}  other:\n    venue: coinbase\n")
    found = rows(dustman("doctor", "--json"))
    assert found["again: shared"][:2] == ("warn", "its key is that of main; both would sell the same coins")
    assert not {"main: shared", "other: shared"} & set(found)
