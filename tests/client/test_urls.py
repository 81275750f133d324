"""Whatever a person types as a server's address leads to its task endpoint."""

import pytest

from stenowire.client.urls import BadUrl, endpoint, task_endpoint, warm_url

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("typed", "endpoint"),
    [
        ("ws://127.0.0.1:8090", "ws://127.0.0.1:8090/api-ws/v1/inference"),
        ("ws://127.0.0.1:8090/", "ws://127.0.0.1:8090/api-ws/v1/inference"),
        ("http://127.0.0.1:8090", "ws://127.0.0.1:8090/api-ws/v1/inference"),
        ("https://speech.example.org", "wss://speech.example.org/api-ws/v1/inference"),
        ("localhost:8090", "ws://localhost:8090/api-ws/v1/inference"),
        (" wss://speech.example.org ", "wss://speech.example.org/api-ws/v1/inference"),
        ("ws://[::1]:8090", "ws://[::1]:8090/api-ws/v1/inference"),
        ("ws://h?team=a", "ws://h/api-ws/v1/inference?team=a"),
    ],
)
def test_a_base_gets_the_path_of_the_task_endpoint(typed: str, endpoint: str) -> None:
    assert task_endpoint(typed) == endpoint


@pytest.mark.parametrize(
    "endpoint",
    ["ws://h:1/api-ws/v1/inference", "ws://h:1/api-ws/v1/inference/", "wss://h/behind/a/proxy?team=a&b=c"],
)
def test_a_whole_endpoint_is_taken_as_it_is(endpoint: str) -> None:
    assert task_endpoint(endpoint) == endpoint


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("ftp://h/x", "must begin with"),
        ("", "names no host"),
        ("ws://", "names no host"),
        ("ws://h:99999", "Port out of range"),
        ("ws://h:port", "no URL"),
        ("ws://[::1", "no URL"),
    ],
)
def test_what_is_no_address_is_refused_with_the_reason(typed: str, reason: str) -> None:
    with pytest.raises(BadUrl, match=reason):
        task_endpoint(typed)


@pytest.mark.parametrize(
    ("typed", "protocol", "url"),
    [
        ("ws://h:8090", "task", "ws://h:8090/api-ws/v1/inference"),
        ("https://api.example.org/v1", "openai", "wss://api.example.org/v1/realtime?intent=transcription"),
        ("http://h/v1/", "openai", "ws://h/v1/realtime?intent=transcription"),
        ("wss://h/v1/realtime?model=m", "openai", "wss://h/v1/realtime?model=m"),
        ("wss://h/api-ws/v1/inference", "task", "wss://h/api-ws/v1/inference"),
    ],
)
def test_the_protocol_is_known_by_the_path(typed: str, protocol: str, url: str) -> None:
    assert endpoint(typed) == (protocol, url)


def test_warming_up_asks_the_same_host() -> None:
    assert warm_url("wss://h:8443/api-ws/v1/inference") == "https://h:8443/api/v1/assistants?limit=1"
    assert warm_url("localhost:8090") == "http://localhost:8090/api/v1/assistants?limit=1"
