"""Settings: every mistake is named before anything starts, and nothing that was written is guessed at."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import ConfigurationError
from dustman.addresses import PostgresDatabase, SqliteFile
from dustman.exchanges.account import Account
from dustman.secret import redacted
from dustman.settings import Settings, load
from events.money import Amount
from events.values import Policy
from workers.schedule import Crontab, Every

SHORTEST = "accounts: {main: {venue: coinbase}}\n"


def read(tmp_path: Path, text: str | bytes, **environment: str) -> Settings:
    config = tmp_path / "dustman.yaml"
    config.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(config, environment)


def complaint(tmp_path: Path, text: str | bytes, **environment: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text, **environment)
    return str(caught.value)


def account(tmp_path: Path, line: str) -> str:
    """The complaint about one line of an account."""
    return complaint(tmp_path, f"accounts:\n  main:\n    venue: coinbase\n    {line}\n")


def test_load__the_shortest_file__gives_the_defaults_of_the_first_script(tmp_path: Path) -> None:
    settings = read(tmp_path, SHORTEST)
    assert settings.account("main").policy() == Policy(
        target="coinbase:BTC",
        threshold=Decimal("0.50"),
        currency="USD",
        excluded=("coinbase:USD", "coinbase:USDC", "coinbase:USDT", "coinbase:BTC"),
        hubs=("coinbase:USDC", "coinbase:USD"),
        sweep_cap=Decimal(25),
        day_cap=Decimal(50),
    )
    assert settings.account("main").schedule == Crontab("0 2 * * sun")
    assert settings.log.url == SqliteFile(tmp_path / "var/dustman.db")
    assert settings.redis.broker_url == "redis://127.0.0.1:6379/1"
    assert settings.redis.feed_url == "redis://127.0.0.1:6379/0"


def test_load__everything_written__is_taken_exactly(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
log: {url: sqlite:////srv/log.db}
redis: {url: "rediss://worker:pw@[::1]:6380?ssl_cert_reqs=required", broker_db: 5, feed_db: 4}
limits: {requests_per_second: 7.5, seconds_between_conversions: 2}
reconcile: {every: 1 min, never_arrived_after: 1 h}
accounts:
  my-Account_1:
    venue: coinbase
    key: ~/cdp.json
    base_url: https://127.0.0.1:8443
    ca_file: certs/ca.pem
    target: ETH
    currency: EUR
    threshold: 0.1
    exclude: [NO, ON, 00]
    admit: [ADA, 1INCH]
    reserve: {ETH: 0.000000000000000001}
    hubs: [EUR]
    caps: {per_sweep: 10.10, per_day: 10.10}
    taker_fee: 0.004
    minimum_gain: 0.01
    top_up: {allowance: 5}
    schedule: every 5 min
""",
    )
    ours = settings.exchange("my-Account_1")
    assert ours.policy() == Policy(
        target="coinbase:ETH",
        threshold=Decimal("0.1"),
        currency="EUR",
        excluded=("coinbase:NO", "coinbase:ON", "coinbase:00"),
        hubs=("coinbase:EUR",),
        sweep_cap=Decimal("10.10"),
        day_cap=Decimal("10.10"),
        reserves=(Amount(Decimal("0.000000000000000001"), "coinbase:ETH"),),
        admitted=("coinbase:ADA", "coinbase:1INCH"),
        taker_fee=Decimal("0.004"),
        minimum_gain=Decimal("0.01"),
        top_up=Decimal(5),
    )
    assert ours.key == Path.home() / "cdp.json"
    assert ours.ca_file == tmp_path / "certs/ca.pem"
    assert (ours.base_url.host, ours.base_url.port, str(ours.base_url)) == ("127.0.0.1", 8443, "https://127.0.0.1:8443")
    assert ours.schedule == Every(300)
    assert settings.log.url == SqliteFile(Path("/srv/log.db"))
    assert settings.redis.broker_url == "rediss://worker:pw@[::1]:6380/5?ssl_cert_reqs=required"
    assert settings.limits.requests_per_second == Decimal("7.5")
    assert (settings.reconcile.every, settings.reconcile.never_arrived_after) == (60, 3600)


@given(st.decimals(min_value="0.000000000000000001", max_value="999999999999999", allow_nan=False, places=18))
def test_load__a_number_without_quotes__keeps_every_digit(
    tmp_path_factory: pytest.TempPathFactory, number: Decimal
) -> None:
    text = f"accounts: {{main: {{venue: coinbase, threshold: {number:f}}}}}"
    assert read(tmp_path_factory.getbasetemp(), text).account("main").threshold == number


def test_load__many_mistakes__names_them_all_in_order_with_line_key_value_and_form(tmp_path: Path) -> None:
    said = complaint(
        tmp_path,
        """limts: {}
accounts:
  main:
    venue: coinbase
    treshold: 0.50
    threshold: 0,50
    exclude: USD
  main: {}
""",
    )
    assert said.splitlines() == [
        f"{tmp_path}/dustman.yaml: 5 mistakes",
        "  line 1, limts: is not a key here, did you mean limits? Accepted: " + ", ".join(Settings.model_fields),
        "  line 5, accounts.main.treshold: is not a key here, did you mean threshold? Accepted: "
        + ", ".join(Account.model_fields),
        '  line 6, accounts.main.threshold: "0,50" is not a number above zero, such as 0.50',
        '  line 7, accounts.main.exclude: "USD" is not a list, such as [USD, USDC]',
        "  line 8, accounts.main: is there already, in line 3; keep one of them",
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"# only a comment\n---\n", "the file is empty"),
        (b"- main\n", "line 1: is not a mapping; it starts with a key such as accounts:"),
        (b"just words", "line 1: is not a mapping"),
        (b"accounts:\n\tmain: {}\n", "line 2: is not YAML: a tab where only spaces may stand"),
        (b"accounts: {main", "line 1: is not YAML: while parsing a flow mapping"),
        (b"accounts: &a {}\nlog: *a\n", "line 1: is not YAML: anchors and aliases are not used here"),
        (b"accounts: !!python/object/apply:os.system [ls]", "line 1: is not YAML: tags are not used here"),
        (b"[" * 200_000, "line 1: is not YAML: more than 20 levels deep"),
        (b"a" * 300_000, "the file is 300000 bytes long"),
        (b"a: 1\nb: \xff\n", "line 2: is not UTF-8 text"),
        (b"a: 1\nb: \x00\n", r"line 2: holds the character \x00"),
        (b'a: "\\UFFFFFFFF"', "stands for no character"),
        (b"? [a, b]\n: 1\n", "line 1: has a key that is not a plain word"),
        (b"a: 1\n---\nb: 2\n", "line 2: is not YAML: expected a single document"),
        (b"log: {}\n", "accounts: is missing"),
        (b"{}", "accounts: is missing"),
        (b"accounts:\n", "line 1, accounts: an empty value is not a mapping of keys to values"),
        (b"accounts: {}\n", "line 1, accounts: is empty; at least one is needed"),
        (b"accounts: {main: coinbase}\n", 'line 1, accounts.main: "coinbase" is not a mapping of keys to values'),
        (b"accounts:\n  main: {key: env}\n", "line 2, accounts.main.venue: is missing"),
        (b"accounts:\n  b d: {venue: coinbase}\n", 'line 2, accounts.b d: "b d" is not a name of up to 32 letters'),
        (
            b"redis: {broker_db: 0}\n" + SHORTEST.encode(),
            "line 1, redis.broker_db: broker_db and feed_db are the same database",
        ),
        (
            b"accounts:\n  a-b: {venue: coinbase}\n  A_B: {venue: coinbase}\n",
            "line 3, accounts.A_B: shares the variables DUSTMAN_A_B_KEY_… with a-b",
        ),
        (
            b"reconcile: {never_arrived_after: 120 s}\n" + SHORTEST.encode(),
            "line 1, reconcile.never_arrived_after: must be above 120 s",
        ),
    ],
)
def test_load__a_file_of_the_wrong_form__says_which_line_and_what(tmp_path: Path, content: bytes, words: str) -> None:
    assert words in complaint(tmp_path, content)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("venues: 1", "is not a key here, did you mean venue?"),
        ("threshold: -1", '"-1" is not a number above zero, such as 0.50'),
        ("threshold: 0", '"0" is not a number above zero'),
        ("threshold: .nan", '".nan" is not a number above zero'),
        ("threshold: NaN", '"NaN" is not a number above zero'),
        ("threshold: Infinity", '"Infinity" is not a number above zero'),
        ("threshold: 1e-3", '"1e-3" is not a number above zero'),
        ("threshold: 1_000", '"1_000" is not a number above zero'),
        ("threshold: ٣", '"٣" is not a number above zero'),
        ("threshold: 9999999999999999", '"9999999999999999" is not a number above zero'),
        ("threshold: 0.0000000000000000001", "is not a number above zero"),
        ("threshold: [1]", "a list is not a number above zero"),
        ("threshold:", "an empty value is not a number above zero"),
        ("taker_fee: 1.2", '"1.2" is not a fraction below 1, such as 0.012 for 1.2 %'),
        ("target: btc", '"btc" is not an asset\'s code as the venue writes it, such as BTC'),
        ('target: "\\u202eBTC"', r'"\u202eBTC" is not an asset'),
        ("exclude: [USD, ~]", "accounts.main.exclude[1]: an empty value is not an asset's code"),
        ("hubs: []", "is empty; at least one is needed"),
        ("admit:", 'an empty value is not all, or a list such as ["ETH", "ADA"]'),
        ("admit: none", '"none" is not all, or a list'),
        ("top_up: on", '"on" is not off, or {allowance: "0"}'),
        ("top_up:", "an empty value is not off, or"),
        ("top_up: {allowance: -1}", "accounts.main.top_up.allowance"),
        ("top_up: {alowance: 1}", "did you mean allowance? Accepted: allowance"),
        ("reserve: {ETH: 0}", "accounts.main.reserve.ETH"),
        ("caps: {per_sweep: 60}", "per_sweep (60) is above per_day (50)"),
        ("venue: kraken", "accounts.main.venue: is there already"),
        ("schedule: weekly", 'is not a crontab of five fields in UTC, such as "0 2 * * sun"'),
        ("base_url: http://127.0.0.1", "is not https://host or https://host:port"),
        ("base_url: https://api.coinbase.com/v2", "is not https://host or https://host:port"),
        ("base_url: https://h:99999", "is not https://host or https://host:port"),
        ("base_url: https://example.com", "leads to example.com, not to api.coinbase.com; permit_other_host"),
        ("permit_other_host: yes", '"yes" is not true or false'),
        ("ca_file: certs/", '"certs/" is not the path of a file'),
        ("key: secret.pem", "is not env, or the path of a key file ending in .json"),
    ],
)
def test_load__a_bad_value__says_the_accepted_form(tmp_path: Path, line: str, words: str) -> None:
    said = account(tmp_path, line)
    assert words in said
    assert "line 4, accounts.main" in said


@pytest.mark.parametrize(
    "line",
    [
        "key: hunter2hunter2",
        'key: "-----BEGIN EC PRIVATE KEY-----hunter2"',
        "private_key: hunter2hunter2",
        "target: " + "hunter2" * 12,
        "hunter2" * 12 + ": yes",
        "base_url: https://me:hunter2@api.coinbase.com",
        "ca_file: [hunter2",
    ],
)
def test_load__a_secret_in_the_wrong_place__is_not_repeated(tmp_path: Path, line: str) -> None:
    assert "hunter2" not in account(tmp_path, line)


@pytest.mark.parametrize("url", ["redis://:hunter2@h/1", "redis://h/1?password=hunter2", "mysql://u:hunter2/@h"])
def test_load__a_password_in_a_bad_url__is_not_repeated(tmp_path: Path, url: str) -> None:
    said = complaint(tmp_path, SHORTEST, DUSTMAN_REDIS_URL=url)
    assert "environment, DUSTMAN_REDIS_URL:" in said
    assert "hunter2" not in said


def test_settings__printed__show_no_password(tmp_path: Path) -> None:
    settings = read(tmp_path, SHORTEST, DUSTMAN_REDIS_URL="redis://:hunter2@h", DUSTMAN_MAIN_KEY_SECRET="hunter2")
    assert "hunter2" in settings.redis.broker_url
    assert settings.secret("DUSTMAN_MAIN_KEY_SECRET") == "hunter2"
    assert "hunter2" not in f"{settings!r} {settings} {settings.redis.url} {settings.model_dump_json}"


def test_load__environment__overrides_what_is_written_and_names_itself(tmp_path: Path) -> None:
    text = "log: {url: mysql://x}\n" + SHORTEST
    other = read(tmp_path, text, DUSTMAN_LOG_URL="sqlite:///other.db").log.url
    assert other == SqliteFile(tmp_path / "other.db")


def test_load__a_log_in_postgresql__is_taken_and_its_password_concealed(tmp_path: Path) -> None:
    url = "postgresql://me:hunter%2F2hunter2@db:5433/dust?sslmode=verify-full"
    place = read(tmp_path, SHORTEST, DUSTMAN_LOG_URL=url).log.url
    assert isinstance(place, PostgresDatabase)
    assert (place.text, place.login) == (url, ("me", "hunter/2hunter2"))
    assert "hunter" not in f"{place} {place!r} {redacted('password is hunter/2hunter2')}"
    assert str(place) == "postgresql://***@db:5433/dust?sslmode=verify-full"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hunter2@db",
        "postgresql://u:hunter2@db/",
        "postgresql://u:hunter2@/dust",
        "postgresql://u:hunter2@db:0/dust",
        "postgresql://u:hunter2@db:port/dust",
        "postgresql://u:hunter2@db/dust/more",
        "postgresql://u:hunter2@db/dust#part",
        "postgresql://u@db/dust?password=hunter2",
        "postgresql://u:hunter2@db/dust?sslmode",
        "postgresql+psycopg://u:hunter2@db/dust",
    ],
)
def test_load__a_bad_url_of_a_database__says_the_accepted_form_and_no_password(tmp_path: Path, url: str) -> None:
    said = complaint(tmp_path, SHORTEST, DUSTMAN_LOG_URL=url)
    assert "environment, DUSTMAN_LOG_URL:" in said
    assert "or postgresql://user:password@host:port/database" in said.replace("***", "user:password")
    assert "hunter2" not in said


def test_load__dotenv_beside_the_file__is_read_and_loses_to_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('DUSTMAN_MAIN_KEY_NAME="from $file"\nDUSTMAN_MAIN_KEY_SECRET=filed\nOTHER=x\n')
    settings = read(tmp_path, SHORTEST, DUSTMAN_MAIN_KEY_SECRET="exported", OTHER="y")
    assert settings.secret("DUSTMAN_MAIN_KEY_NAME") == "from $file"
    assert settings.secret("DUSTMAN_MAIN_KEY_SECRET") == "exported"
    assert settings.secret("OTHER") is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"A=1\nhunter2 hunter2\n", ".env, line 2: is not NAME=value"),
        (b"DUSTMAN_MAIN_KEY_NAME\n", ".env, line 1: is not NAME=value"),
        (b"A=\xff", ".env: is not UTF-8 text"),
    ],
)
def test_load__a_broken_dotenv__names_the_line_and_nothing_else(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / ".env").write_bytes(content)
    said = complaint(tmp_path, SHORTEST)
    assert words in said
    assert "hunter2" not in said


def test_load__no_file__says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file; `dustman init` writes one"):
        load(tmp_path / "missing.yaml", {})
    with pytest.raises(ConfigurationError, match="cannot be read, Is a directory"):
        load(tmp_path, {})


def test_load__a_simulated_venue_on_this_machine__may_be_impatient(tmp_path: Path) -> None:
    text = "reconcile: {never_arrived_after: 2 s}\naccounts: {main: {venue: coinbase, base_url: https://localhost:1}}"
    assert read(tmp_path, text).reconcile.never_arrived_after == 2


def test_account__unknown__lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no account 'other'; the settings have main"):
        read(tmp_path, SHORTEST).account("other")


KEYS = ["accounts", "main", "venue", *Settings.model_fields, *Account.model_fields, "per_sweep", "allowance", "url"]
SCALARS = st.sampled_from(["coinbase", "env", "all", "off", "BTC", "0.5", "-1", "1e9", "NaN", "every 5 s", "https://x"])
DOCUMENTS = st.recursive(
    SCALARS | st.none() | st.integers() | st.floats() | st.booleans() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*Settings.model_fields, "other"]), DOCUMENTS), DOCUMENTS)
def test_load__whatever_stands_under_the_keys__is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, sections: dict[str, object], main: object
) -> None:
    config = tmp_path_factory.getbasetemp() / "shaped.yaml"
    config.write_text(yaml.safe_dump({"accounts": {"main": main}, **sections}, allow_unicode=True), "utf-8")
    try:
        assert load(config, {}).accounts
    except ConfigurationError as error:
        assert re.match(r".*shaped\.yaml: [1-9][0-9]* mistake", str(error))


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_load__whatever_the_file_holds__is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    config = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    config.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"fuzzed\.yaml: [1-9][0-9]* mistake"):
        load(config, {})
