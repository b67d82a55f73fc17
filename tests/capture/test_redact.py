"""What counts as a secret, what only sounds like one, and how fast we can tell."""

from __future__ import annotations

import base64
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackerlite.capture import known, redact

R = redact.REDACTED


@pytest.fixture(autouse=True)
def _fresh(monkeypatch, tmp_path):
    monkeypatch.setenv("NETRC", str(tmp_path / "no-netrc"))
    known.forget()
    yield
    known.forget()


SECRETS_BY_NAME = [
    ("api_key", "abc123"),
    ("OPENAI_API_KEY", "x"),
    ("model.apiKey", "plain"),
    ("wandb_api_key", "0123456789abcdef0123456789abcdef01234567"),
    ("password", "hunter2"),
    ("password", 12345678),
    ("db.passwd", "hunter2"),
    ("smtp_pass", "hunter2"),
    ("token.value", "abcdef123456"),
    ("dbPass", "hunter2"),
    ("hf_token", "whatever-it-is"),
    ("push_to_hub_token", "abcdefgh"),
    ("hub.token", "abcdefgh"),
    ("clientSecret", "abcdefgh"),
    ("aws_secret_access_key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    ("aws_access_key_id", "not-even-the-right-look"),
    ("ssh_private_key", "x"),
    ("auth", "abcdefgh"),
    ("db_pwd", "hunter2"),
    ("Authorization", "Basic abc"),
    ("access_tokens", "x"),
    ("credentials.user", "bob"),
    ("api.key", "bob"),
    ("api_key_prod", "abc"),
    ("sig", "a1b2c3d4e5f6a7b8"),
]

NOT_SECRETS = [
    ("max_tokens", 4096),
    ("pad_token.value", "<pad>x"),
    ("tokenizer.value", "bert-base"),
    ("max_new_tokens", "4096"),
    ("tokenizer", "bert-base-uncased"),
    ("tokenizer_name", "meta-llama/Llama-3.1-8B"),
    ("pad_token", "<|finetune_right_pad_id|>"),
    ("eos_token", "</s>"),
    ("mask_token", "[MASK]"),
    ("token", "[MASK]"),
    ("image_token", "some-image"),
    ("pad_token_id", 0),
    ("num_tokens", 10**9),
    ("tokens_per_second", 123.4),
    ("token_type_ids", [0, 1]),
    ("use_auth_token", True),
    ("hub_token", None),
    ("password_f1", 0.93),
    ("password", False),
    ("second_pass", "greedy"),
    ("db_passes", 3),
    ("class_weights.password", 2.5),
    ("password", 3),
    ("patterns.api_key", "[A-Za-z0-9]{32}"),
    ("weights", {"api_key": 1.5, "password": "high"}),
    ("support.api_key", 1523),
    ("secret_detection_threshold", 0.5),
    ("num_secrets", 12),
    ("secrets_dataset", "org/secrets-v2"),
    ("api_key_regex", "[a-z]+"),
    ("keyboard", "qwerty-layout"),
    ("key", "train/loss"),
    ("sort_key", "val/f1 value"),
    ("monkey", "banana-yellow"),
    ("author", "Ada Lovelace"),
    ("authors", "Ada Lovelace"),
    ("num_key_value_heads", 8),
    ("key_dim", 64),
    ("PWD", "/home/ada/project"),
    ("commit", "0123456789abcdef0123456789abcdef01234567"),
    ("sha256", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("estimator", "sk-learn-random-forest-2024-baseline"),
    ("url", "https://huggingface.co/datasets/org/name?split=train"),
    ("endpoint", "http://localhost:8080/v1@latest"),
    ("remote", "git@github.com:org/repo.git"),
    ("ssh", "ssh://git@github.com/org/repo.git"),
    ("mail", "ada@example.org"),
    ("lr", 3e-4),
    ("prompt", "Explain tokens: what is a token?"),
    ("wandb_project", "smart-secrets-scanner"),
    ("signature", "serving_default"),
    ("name", "hf_llamafinetuningexperiment_v2"),
    ("uuid", "550e8400-e29b-41d4-a716-446655440000"),
    (
        "image",
        "ghcr.io/org/x@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
    ("special_tokens", ["<pad>", "<s>"]),
    ("token_ids", [1, 2, 3]),
]

BY_LOOK = [
    "hf_" + "aB3" * 12,
    "sk-proj-" + "A1b2C3d4E5f6G7h8I9j0" + "-x",
    "sk-ant-api03-" + "A1b2C3d4E5f6G7h8I9j0",
    "sk-" + "A1b2" * 12,
    "ghp_" + "a1B2" * 9,
    "github_pat_" + "a1B2" * 9,
    "glpat-" + "a1B2" * 5,
    "xoxb-1234567890-abcdefghij",
    "AKIAIOSFODNN7EXAMPLE",
    "AIza" + "a1B2" * 9,
    "SG." + "a1B2" * 6 + "." + "c3D4" * 8,
    "npm_" + "a1B2" * 9,
    "pypi-" + "a1B2" * 12,
    "dapi" + "0a" * 16,
    "sk_live_" + "a1B2" * 6,
    "wandb_v1_" + "a1B2" * 9,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THs",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
]


class TestConfig:
    @pytest.mark.parametrize(("name", "value"), SECRETS_BY_NAME)
    def test_name_gives_it_away(self, name, value):
        """A value whose name announces a secret is never recorded."""
        assert redact.redact_value(name, value) == R

    @pytest.mark.parametrize(("name", "value"), NOT_SECRETS)
    def test_innocent_names_and_values_survive(self, name, value):
        """What only sounds like a secret is recorded exactly as it was."""
        assert redact.redact_value(name, value) == value

    @pytest.mark.parametrize("secret", BY_LOOK)
    def test_look_gives_it_away(self, secret):
        """A value that looks like a key is cut out under any name, and from inside text."""
        assert secret not in str(redact.redact_value("note", secret))
        text = redact.redact_value("note", f"before {secret} after")
        assert text == f"before {R} after"

    def test_nested(self):
        """Mappings, lists and tuples are searched to the bottom, the rest is left as it is."""
        config = {
            "model": {"n": "x", "tokenizer": {"max_tokens": 7}, "hub": [{"token": "s3cret-"}]},
            "credentials": {"user": "bob", "deep": {"more": ["a-b-c"]}},
            1: ("a", 2, None, True),
        }
        assert redact.redact_config(config) == {
            "model": {"n": "x", "tokenizer": {"max_tokens": 7}, "hub": [{"token": R}]},
            "credentials": {"user": R, "deep": {"more": [R]}},
            1: ["a", 2, None, True],
        }
        assert config["credentials"]["user"] == "bob", "the caller's own config is left alone"

    def test_flattened(self):
        """A dotted key is as secret as the mapping that it was flattened from."""
        flat = {"secrets.mine": "abcdefgh", "secretary.name": "Ada", "a.credentials.b.c": "x"}
        clean = {"secrets.mine": R, "secretary.name": "Ada", "a.credentials.b.c": R}
        assert redact.redact_config(flat) == clean

    def test_a_command_line_in_a_list(self):
        """A list of words is read as a command line."""
        assert redact.redact_value("argv", ["t.py", "--api-key", "x1"]) == ["t.py", "--api-key", R]

    def test_a_config_that_contains_itself(self):
        """A cycle ends instead of hanging or overflowing the stack."""
        config: dict = {"a": 1}
        config["self"] = config
        config["list"] = [config]
        assert redact.redact_config(config)["a"] == 1

    def test_known_from_config_is_cut_elsewhere(self):
        """A password seen once by name is then cut from console lines and tracebacks."""
        redact.redact_config({"db": {"password": "Tr0ub4dor&3"}})
        assert redact.redact_text("cannot connect with Tr0ub4dor&3!") == f"cannot connect with {R}!"


class TestText:
    @pytest.mark.parametrize(
        ("text", "clean"),
        [
            ("https://bob:hunter2@example.org/x", f"https://{R}@example.org/x"),
            ("postgres://u:p/a@ss@db:5432/x", f"postgres://{R}@db:5432/x"),
            ("https://glpat123@gitlab.com/a.git", f"https://{R}@gitlab.com/a.git"),
            ("redis://:hunter2@cache:6379", f"redis://{R}@cache:6379"),
            ("password=ab=cd", f"password={R}"),
            ("f(password=g(api_key=hunter2))", f"f(password=g(api_key={R}))"),
            ("password=" + "x1" * 2000 + " a", f"password={R} a"),
            ("export API_KEY=hunter2", f"export API_KEY={R}"),
            ('{"api_key": "hunter2", "a": 1}', f'{{"api_key": "{R}", "a": 1}}'),
            ('{\\"api_key\\": \\"hunter2\\"}', f'{{\\"api_key\\": \\"{R}\\"}}'),
            ("password: hunter2\n", f"password: {R}\n"),
            ("+    api_key='hunter2',\n", f"+    api_key='{R}',\n"),
            ('os.environ["WANDB_API_KEY"] = "hunter2"', f'os.environ["WANDB_API_KEY"] = "{R}"'),
            ("train.py --api-key hunter2 --lr 3", f"train.py --api-key {R} --lr 3"),
            ("Authorization: Basic aHVudGVyMg==\n", f"Authorization: {R}\n"),
            ("curl -H 'Authorization: Bearer abc def' x", f"curl -H 'Authorization: {R}' x"),
            ("x-api-key: hunter2", f"x-api-key: {R}"),
            ("s3://x?X-Amz-Signature=abcdef&a=1", f"s3://x?X-Amz-Signature={R}&a=1"),
            ("AccountKey=Zm9vYmFy==;Endpoint=x", f"AccountKey={R};Endpoint=x"),
            ('password = "it\\"s long"', f'password = "{R}"'),
            ("curl -u bob:hunter2 https://x", f"curl -u {R} https://x"),
            ("machine h login me password hunter2", f"machine h login me password {R}"),
            ("Your API key: a1B2c3D4e5F6a1B2c3D4", f"Your API key: {R}"),
            ("\x1b[31mhf_" + "aB3" * 12 + "\x1b[0m!", f"{R}!"),
            ("password=hunter2 api_key=hunter3", f"password={R} api_key={R}"),
            (
                "machine h\n  login me\n  password hunter2\n\n",
                f"machine h\n  login me\n  password {R}\n\n",
            ),
            (
                "machine h login me password lovelove\nmore",
                f"machine h login me password {R}\nmore",
            ),
            ("a\n+password hunter2\nb", f"a\n+password {R}\nb"),
            ("$ mysqldump -h x -phunter2 db > out", f"$ mysqldump -h x -p{R} db > out"),
            ("curl -ume:hunter2 https://x", f"curl -u{R} https://x"),
            ("curl --user 'me:hunter2' https://x", f"curl --user '{R}' https://x"),
            ("docker login -u me -p hunter2 host", f"docker login -u me -p {R} host"),
            ("redis-cli -h x -a hunter2 ping", f"redis-cli -h x -a {R} ping"),
            ("openssl enc -aes256 -pass pass:hunter2", f"openssl enc -aes256 -pass {R}"),
            ("7z x -phunter2 a.7z && zip -P hunter2 b", f"7z x -p{R} a.7z && zip -P {R} b"),
            ("setenv API_KEY hunter2", f"setenv API_KEY {R}"),
            ("PGPASSWORD=hunter2 psql", f"PGPASSWORD={R} psql"),
        ],
    )
    def test_assignments_and_urls(self, text, clean):
        """Code, JSON, YAML, shell, headers and URLs lose the value and keep their shape."""
        assert redact.redact_text(text) == clean

    @pytest.mark.parametrize(
        "text",
        [
            "password = getpass.getpass()",
            "api_key=os.environ['X']",
            "client(api_key=args.api_key)",
            "client(api_key=api_key, token=token)",
            "token = tokens[0]",
            "token: training",
            "password: None",
            "max_tokens=4096, tokenizer=AutoTokenizer.from_pretrained(name)",
            "step 12 | tokens/s: 12345678 | loss 0.3",
            "def login(password: str, token: str | None = None):",
            "secrets found: 12345",
            "shared key: layer.12.weight",
            "API key: not set",
            "service key: model-v1.2.3",
            "curl -u https://x",
            "curl -u me https://x:8080/",
            "mysql -p db -P3306; ssh -p2222 h; make -p2; srun -pgpu_long_a100 x; gcc -pthread -pg",
            "docker run -p 8080:80 mysql:8 && mkdir -p /data/x && zip -r a.zip b",
            "mysql -p$PASSWORD x && docker login -u me --password-stdin -p",
            "password authentication failed",
            "password required",
            "machine learning needs a login and a password",
            "for a, b in zip(x, -y): pass",
            "setenv LD_LIBRARY_PATH /opt/lib",
            "\x1b[32mtrain\x1b[0m: tokens: 12345678",
            "-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
            "see https://example.org:8080/a/b for more",
            "ok",
            "",
        ],
    )
    def test_code_about_secrets_stays_readable(self, text):
        """A patch that handles secrets without containing any is recorded unchanged."""
        assert redact.redact_text(text) == text

    def test_private_key_without_end(self):
        """A truncated private key is cut to the end rather than shown."""
        text = "a -----BEGIN RSA PRIVATE KEY-----\nMIIE"
        assert redact.redact_text(text) == f"a {R}"

    def test_environment_and_netrc_in_every_form(self, monkeypatch, tmp_path):
        """Secrets of the environment and of ~/.netrc are cut wherever they are, encoded or not."""
        canary, pin = "c4n4ry+Value/with=odd&chars", "n3trc-password-7"
        monkeypatch.setenv("MY_DB_PASSWORD", canary)
        (tmp_path / "netrc").write_text(f"machine api.wandb.ai login user password {pin}\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        known.forget()
        for secret in (canary, pin):
            raw = secret.encode()
            for text in (
                secret,
                f"x{secret}x",
                quote(secret, safe=""),
                base64.b64encode(raw).decode(),
                base64.b64encode(b"user:" + raw).decode(),
                base64.b64encode(b"u:" + raw + b"!").decode(),
                base64.urlsafe_b64encode(b"us:" + raw + b"tail").decode(),
                raw.hex(),
            ):
                clean = redact.redact_text(f"see {text} there")
                assert R in clean, text
                assert secret not in clean
                assert base64.b64encode(raw[1:-1]).decode()[4:-4] not in clean

    def test_passwords_in_urls_of_the_environment(self, monkeypatch):
        """The password in `DATABASE_URL` is known, and cut also where JSON or Python quote it."""
        monkeypatch.setenv("DATABASE_URL", 'postgres://me:odd"pass\\word1@db:5432/x')
        known.forget()
        secret = 'odd"pass\\word1'
        for text in (secret, json.dumps(secret), repr(secret)):
            assert "word1" not in redact.redact_text(f"see {text} there"), text

    @settings(max_examples=300, deadline=None)
    @given(st.text(max_size=300))
    def test_any_text(self, text):
        """Any text at all comes back as text, and redacting twice changes nothing more."""
        once = redact.redact_text(text)
        assert redact.redact_text(once) == once

    @settings(max_examples=200, deadline=None)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda x: st.lists(x, max_size=4) | st.dictionaries(st.text(max_size=9), x, max_size=4),
            max_leaves=20,
        )
    )
    def test_any_config(self, value):
        """Any nested config comes back, and what comes back is stable."""
        once = redact.redact_value("config", value)
        twice = redact.redact_value("config", once)
        assert json.dumps(once) == json.dumps(twice)


class TestArgv:
    @pytest.mark.parametrize(
        ("argv", "clean"),
        [
            (["t.py", "--api-key", "hunter2"], ["t.py", "--api-key", R]),
            (["t.py", "--api_key=hunter2", "--lr=3"], ["t.py", f"--api_key={R}", "--lr=3"]),
            (["t.py", "model.password=x", "a=b"], ["t.py", f"model.password={R}", "a=b"]),
            (["t.py", "+hub.token=abcdefgh"], ["t.py", f"+hub.token={R}"]),
            (["wandb", "login", "abc"], ["wandb", "login", R]),
            (["t.py", "--tokenizer", "x", "--max-tokens", "9"],) * 2,
            (["t.py", "--url", "https://a:b@c/"], ["t.py", "--url", f"https://{R}@c/"]),
            (["t.py", "-H", "Authorization: Bearer abc"], ["t.py", "-H", f"Authorization: {R}"]),
            (["t.py", '{"api_key": "x"}'], ["t.py", f'{{"api_key": "{R}"}}']),
            (["t.py", "--password", "--dashed"], ["t.py", "--password", R]),
            (["curl", "-u", "me:hunter2", "x"], ["curl", "-u", R, "x"]),
            (["/usr/bin/mysql", "-uroot", "-phunter2", "db"], ["/usr/bin/mysql", "-uroot", f"-p{R}", "db"]),
            (["sshpass", "-p", "hunter2", "ssh", "-p", "2222"], ["sshpass", "-p", R, "ssh", "-p", "2222"]),
            (["sh", "-c", "mysql -phunter2; srun -pgpu"], ["sh", "-c", f"mysql -p{R}; srun -pgpu"]),
        ],
    )  # fmt: skip
    def test_command_lines(self, argv, clean):
        """A command line keeps its words and loses its secrets."""
        assert redact.redact_argv(argv) == clean


class TestCost:
    @pytest.mark.parametrize(
        "piece",
        [
            "://", "://a:", "password", "a=", "a='b=\"", "-----BEGIN ", "eyJ", "eyJaaaaaaaaaaaa.",
            "hf_", "sk-a", "token=", "'", '\\"', "--token ", "A", "aB", "x" * 81 + "=", "Bearer ",
            "auth:", "SG.", "\n", "= = =", "cookie: ",
            "mysql -p", "curl -u a:", " login x password ", "password 1", "zip -P x\n", "docker login -p ",
        ],
    )  # fmt: skip
    def test_linear(self, piece):
        """Four times the input costs about four times the work, whatever the input."""

        def cost(n: int) -> float:
            text = (piece * (n // len(piece) + 1))[:n]
            best = 9.9
            for _ in range(2):
                start = time.process_time()
                redact.redact_text(text)
                best = min(best, time.process_time() - start)
            return best

        small, large = cost(50_000), cost(200_000)
        assert large < max(9 * small, 0.08), f"{small:.4f}s then {large:.4f}s"
