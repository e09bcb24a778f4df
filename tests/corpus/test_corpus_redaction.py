"""Secrets and e-mail addresses: what is found, what is left alone, and what a redacted text is."""

from __future__ import annotations

import base64
import email
import http
import json
import logging
import random
import string
import urllib
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from titrant.corpus.redaction import PLACEHOLDERS, find_emails, redact, redact_all
from titrant.corpus.secrets import find_secrets

BOTH = ("emails", "secrets")
_draw = random.Random(7)


def drawn(length, characters=string.ascii_letters + string.digits):
    return "".join(_draw.choices(characters, k=length))


HEX = "0123456789abcdef"
KEY_LINES = "\n".join(drawn(64, string.ascii_letters + string.digits + "+/") for _ in range(4))
TOKENS = {
    "AWS": "AKIA" + drawn(16, string.ascii_uppercase + string.digits),
    "GitHub": "ghp_" + drawn(36),
    "GitHub, fine-grained": "github_pat_" + drawn(22) + "_" + drawn(59),
    "GitLab": "glpat-" + drawn(20),
    "Slack": "xoxb-" + drawn(12, string.digits) + "-" + drawn(24),
    "Google": "AIza" + drawn(35),
    "Stripe": "sk_live_" + drawn(24),
    "npm": "npm_" + drawn(36),
    "OpenAI": "sk-proj-" + drawn(60),
    "Hugging Face": "hf_" + drawn(34, string.ascii_letters),
    "SendGrid": f"SG.{drawn(22)}.{drawn(43)}",
    "DigitalOcean": "dop_v1_" + drawn(64, HEX),
    "JSON web token": f"eyJ{drawn(30)}.eyJ{drawn(60)}.{drawn(43)}",
    "private key": f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_LINES}\n-----END RSA PRIVATE KEY-----",
}
ASSIGNED = [
    f'api_key = "{drawn(32)}"',
    f"API_SECRET={drawn(40)}",
    f'  "clientSecret": "{drawn(32, HEX)}",',
    f"password: '{drawn(24)}'",
    f'os.environ.setdefault("AUTH_TOKEN", "{drawn(40)}")',
    f"define('AUTH_KEY', '{drawn(48)}');",
    f"$token => '{drawn(40, HEX)}'",
    f"postgres://admin:{drawn(9)}@db.internal.net:5432/shop",
    "redis://:Zk3Vt8nB5yW1@cache:6379",
    "postgres://u:p%40ss9Xk@h/x",
    "mysql://root:Pa$$w0rd!9@db.corp.com/x",
    "Authorization: Bearer Zk3Vt8nB5yW1mKc7rXp2LdS9hGf4JtUe6AoI",
    '{"Authorization": "Bearer Zk3Vt8nB5yW1mKc7rXp2LdS9hGf4JtUe6AoI"}',
    f"authorization: basic {base64.b64encode(b'bob:hunter2!').decode()}",
    "SECRET = 'django-insecure-9)k2w!x7$v@q0^b&z*c3(n1-m_l5=k+j8h#g'",
    "SECRET_KEY = '9)k2w!x7$v@q0^b&z*c3(n1-m_l5=k+j8h#gp4r6t%y+u=i_o-'",
    'password = "hunter2!Xy98zQ"',
    '{"log": "{\\"password\\": \\"hunter2!Xy98zQ\\"}"}',
    "db_password='Xy98zQhunter2'",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "ghp_Qyour12345678abcdefgxxxfakeZ0123456789",
    f'"log\\n{TOKENS["GitHub"]}"',
    f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_LINES}\n",
    f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\n{KEY_LINES}",
]


@pytest.mark.parametrize("service", TOKENS)
def test_a_token_of_a_known_format_is_found_whole(service):
    token = TOKENS[service]
    for text in (token, f"x = '{token}';\n", f"({token})", f"header: {token}\nmore"):
        assert [text[a:b] for a, b in find_secrets(text)] == [token]


@pytest.mark.parametrize("text", ASSIGNED)
def test_a_random_value_of_a_telling_name_is_found(text):
    found = find_secrets(text)
    assert len(found) == 1
    assert redact(text, BOTH).counts == {"secrets": 1, "emails": 0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mysql://root:Pa$$w0rd!9@db.corp.com/x", "mysql://root:<SECRET>@db.corp.com/x"),
        ("redis://:p%40ss9Xk@cache.corp.de:1", "redis://:<SECRET>@cache.corp.de:1"),
        ("Authorization: Basic Ym9iOmh1bnRlcjIh\n", "Authorization: Basic <SECRET>\n"),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_LINES}\nabc12=", "<SECRET>"),
        (f"-----BEGIN RSA PRIVATE KEY-----\n{KEY_LINES}\nThe end", "<SECRET>\nThe end"),
        ('{"a": "x\\njim@corp.de"}', '{"a": "x\\n<EMAIL>"}'),
        ('"x\\u00e9jim@corp.de, C:\\\\njim@corp.de, \\n@corp.de"', '"x\\u00e9<EMAIL>, C:\\\\<EMAIL>, \\n@corp.de"'),
    ],
)
def test_only_what_is_private_is_taken(text, expected):
    assert redact(text, BOTH).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "aws_key = AKIAIOSFODNN7EXAMPLE",
        "password = get_password_from_environment()",
        "password: ${{ secrets.DEPLOY_PASSWORD_PRODUCTION }}",
        'token = "MyAccessTokenProviderFactoryBean"',
        "secret = 'your-secret-key-goes-here-12345'",
        f'"sha256": "{drawn(64, HEX)}"',
        f'"token_hash": "{drawn(64, HEX)}"',
        f'{{"token": "abc", "id": "{drawn(40, HEX)}"}}',
        "tokenizer = 'bert-base-multilingual-cased-v2'",
        "api_key = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
        "postgres://user:password@localhost/db",
        "https://${USER}:${PASS}@host.org/ and ftp://me:my_pass1@host.org",
        "as in http://user:passwd\\@host:port/",
        'if line == "-----BEGIN RSA PRIVATE KEY-----":',
        "risk-benefit and task-oriented; ask-me-anything",
        "PASSWORD_RESET_TIMEOUT = 259200",
        "getToken: com.example.security.oauth2.DefaultTokenServices",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx and ghp_0000000000000000000000000000000000000000",
        "redis://:password@cache, postgres://u:%s@h/x, mysql://u:$DB_PASS@h/x, mysql://u:%(word)s@h/x",
        "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ== and Authorization: Basic dXNlcjpwYXNzd29yZA==",
        "Authorization: Bearer <token>, Bearer YOUR_ACCESS_TOKEN_GOES_HERE_01, bearer of good news",
        "password = 'changeme123!A'; password: '$DB_PASSWORD_1a'; password = '^[A-Za-z0-9!]{8,}$'",
        "password = 'getPassword1()'; secret: 'https://Host1.org/a?b=C'; pwd = '%(Pass1)s!aB'",
        "password_field = 'Form1!AbcDef9'; PASSWORD = 'correct horse 9!A'",
        "password: 'Required-Field-1', secret = 'aws/SecretName1'",
        'verify_token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9..."',
        "password_validators = django.contrib.auth.password_validation",
    ],
)
def test_what_is_no_secret_is_left_alone(text):
    assert find_secrets(text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mail jane.doe+list@uni-bonn.de.", ["jane.doe+list@uni-bonn.de"]),
        ("<a@bb.co>,b_c@d-e.org;", ["a@bb.co", "b_c@d-e.org"]),
        ("mailto:x.y@mail.corp.net?subject=a", ["x.y@mail.corp.net"]),
        ("Signed-off-by: Jo Ex <jo@kernel.org>", ["jo@kernel.org"]),
        ("jane@example.com, x@sub.example.org, y@host.invalid, z@localhost", []),
        ("git@github.com:owner/name.git and ssh://git@host.org/x", []),
        ("https://user:word@host.org/path", []),
        ("icon@2x.png logo@3x.svg pkg@1.2.3 @decorator user@host", []),
        ("fewer lines\n@pytest.mark.slow\ndef f(): pass", []),
        ("a@b.c a@@bb.com @bb.com a@.com", []),
    ],
)
def test_which_addresses_are_found(text, expected):
    assert [text[a:b] for a, b in find_emails(text)] == expected


_marks = ["@", ".", "a@bb.co", "@bb.co", "x.y", ":", "://", "//", "git", "=", "'", '"', "\n", " ", "_", "-", "-----"]
_words = ["PRIVATE KEY", "eyJ", "AKIA", "token", "a", "Z9", *(value[:20] for value in TOKENS.values())]
_scraps = st.sampled_from([*TOKENS.values(), *ASSIGNED, *PLACEHOLDERS.values(), *_marks, *_words])
texts = st.lists(st.one_of(_scraps, st.text(max_size=5)), max_size=12).map("".join)


@given(texts, st.sets(st.sampled_from(BOTH)))
@settings(max_examples=500, deadline=None)
def test_a_redacted_text_comes_out_as_it_went_in(text, kinds):
    once = redact(text, kinds)
    assert set(once.counts) == kinds
    assert (once.text != text) == (sum(once.counts.values()) > 0)
    twice = redact(once.text, kinds)
    assert twice.text == once.text
    assert not any(twice.counts.values())


@given(st.lists(texts, max_size=4), st.sets(st.sampled_from(BOTH)))
@settings(max_examples=300, deadline=None)
def test_a_batch_is_redacted_as_its_texts_are(documents, kinds):
    assert redact_all(pa.array(documents, pa.large_string()), kinds) == [redact(text, kinds) for text in documents]


@given(texts)
@settings(max_examples=300, deadline=None)
def test_what_is_found_is_in_order_and_apart(text):
    for spans in (find_secrets(text), find_emails(text)):
        flat = [place for span in spans for place in span]
        assert flat == sorted(flat)
        assert all(start < end for start, end in spans)


def test_nothing_is_found_in_the_library_of_python():
    for package in (email, http, json, logging, urllib):
        for path in sorted(Path(package.__path__[0]).glob("*.py")):
            assert find_secrets(path.read_text("utf-8")) == [], path.name


def test_long_runs_without_a_space_take_time_in_proportion():
    begin = "-----BEGIN PRIVATE KEY-----\n"
    for run in (begin * 20_000, "://:" * 200_000, "bearer " * 100_000, "password='" * 50_000, "\\n" * 300_000):
        assert redact(run, BOTH).text == run
    for run in ("a" * 2_000_000, "a." * 500_000, "@" * 300_000, "key=" * 200_000, "eyJ" * 300_000, "a:b@" * 200_000):
        assert redact(run, BOTH).text == run
