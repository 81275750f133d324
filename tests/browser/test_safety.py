"""What is said stays text, nothing but the page's own files runs, and a person is told what is wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from browser.serving import KEY, ServerProcess
from stenowire.gateway.banner import LINK_S
from stenowire.settings import Settings
from stenowire.store.keys import KeyRing
from stenowire.store.sealed import Seal

pytestmark = pytest.mark.browser

SignedIn = Callable[..., Page]
OpenPage = Callable[..., Page]
PAYLOAD = "<img/src=x/onerror=window.hacked=1><script>window.hacked=1</script>&lt;b&gt;"
NO_SOUND = "AudioContext.prototype.createMediaStreamSource = () => ({ connect() {} });"


def say_payload(line: WebSocketRoute) -> None:
    """Answers a task as a server does that has heard the payload."""

    def answer(message: str | bytes) -> None:
        if isinstance(message, bytes):
            return
        header = json.loads(message)["header"]
        words = [{"begin_time": 0, "end_time": 400, "text": PAYLOAD, "punctuation": "", "fixed": True}]
        sentence = {"sentence_id": 1, "begin_time": 0, "text": PAYLOAD, "words": words, "heartbeat": False}
        told: list[tuple[str, dict[str, Any]]] = [("task-finished", {"output": {}})]
        if header["action"] == "run-task":
            results = [{**sentence, "sentence_end": end, "end_time": 400 if end else None} for end in (False, True)]
            told = [("task-started", {}), *(("result-generated", {"output": {"sentence": each}}) for each in results)]
        for event, payload in told:
            line.send(json.dumps({"header": {"task_id": header["task_id"], "event": event}, "payload": payload}))

    line.on_message(answer)


def test_markup_that_was_said_or_typed_stays_text(signed_in: SignedIn, silence: Path) -> None:
    page = signed_in(sound=silence)
    page.route_web_socket("**/api-ws/v1/inference*", say_payload)
    page.get_by_role("button", name="Settings").click()
    page.get_by_label("Words to expect").fill(PAYLOAD)
    page.get_by_label("What it is about").fill(PAYLOAD)
    page.get_by_role("button", name="Start captions").click()
    expect(page.locator("#list li.final p")).to_have_text(PAYLOAD)
    expect(page.locator("#live p").last).to_have_text(PAYLOAD)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#stateText")).to_have_text("Ready")
    page.get_by_role("button", name="History").click()
    expect(page.locator("#talks p").first).to_have_text(PAYLOAD)
    assert page.locator("#list img, #list script, #talks img, #live img").count() == 0
    assert page.evaluate("window.hacked") is None


@pytest.mark.parametrize("path", ["/", "/overlay"])
def test_the_policy_blocks_all_that_is_not_the_pages_own(path: str, open_page: OpenPage) -> None:
    page = open_page(path)
    blocked = page.evaluate(
        """async () => {
          const seen = [];
          document.addEventListener("securitypolicyviolation", (event) => seen.push(event.effectiveDirective));
          const tries = [
            () => document.body.append(Object.assign(document.createElement("script"), { text: "window.hacked = 1" })),
            () => { document.body.innerHTML = "<img src=x onerror='window.hacked=1'>"; },
            () => { document.body.setAttribute("onclick", "window.hacked = 1"); document.body.click(); },
            () => { document.body.setAttribute("style", "color: red"); },
            () => { setTimeout("window.hacked = 1"); },
            () => fetch("http://127.0.0.1:1/").catch(() => {}),
            () => { const f = document.createElement("iframe"); f.src = "/"; document.body.append(f); },
          ];
          for (const act of tries) { try { await act(); } catch { seen.push("thrown"); } }
          await new Promise((resolve) => setTimeout(resolve, 300));
          return [seen, window.hacked ?? null];
        }"""
    )
    directives, hacked = blocked
    assert hacked is None
    assert {"require-trusted-types-for", "style-src-attr", "connect-src", "frame-src"} <= set(directives)
    assert directives.count("thrown") >= 3, "markup, scripts and handlers made from text"


def test_headers_are_strict_and_unchanged_files_are_not_sent_twice(server: ServerProcess) -> None:
    with httpx.Client(base_url=server.url, trust_env=False) as http:
        for path in ("/", "/overlay", "/web/main.js", "/web/page.css"):
            answer = http.get(path)
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'")
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            again = http.get(path, headers={"if-none-match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        assert "frame-ancestors 'none'" in http.get("/").headers["content-security-policy"]
        assert "frame-ancestors *" in http.get("/overlay").headers["content-security-policy"]
        assert [http.get(f"/web/{name}").status_code for name in ("none.js", "../pages.py", "%2e%2e/app.py")] == [
            404
        ] * 3


def test_a_wrong_key_is_told_and_the_right_one_is_never_kept(open_page: OpenPage) -> None:
    page = open_page()
    page.get_by_role("button", name="Start captions").click()
    page.get_by_label("API key").fill("sk-wrong")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#keyProblem")).to_have_text("The server does not accept this key.")
    page.get_by_label("API key").fill(KEY)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    kept = page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, location.href, document.cookie])")
    assert KEY not in kept and "sw-" in kept


def test_the_printed_link_signs_in_and_its_key_leaves_the_address(open_page: OpenPage, server: ServerProcess) -> None:
    keys = KeyRing.open(Settings.load(data=server.data, api_keys=KEY))
    link, _ = Seal(keys.pepper).issue("link", keys.owner.name, LINK_S)
    page = open_page(f"/#key={link}")
    expect(page).to_have_url(f"{server.url}/")
    page.get_by_role("button", name="Start captions").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    assert link not in page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}])")


def test_a_page_without_https_says_why_there_is_no_microphone(open_page: OpenPage, server: ServerProcess) -> None:
    page = open_page(at=f"http://talk.test:{server.port}")
    expect(page.locator("#trouble")).to_contain_text("stenowire serve --https")


def test_a_silent_microphone_is_told(signed_in: SignedIn, silence: Path) -> None:
    page = signed_in(sound=silence)
    page.get_by_role("button", name="Start captions").click()
    expect(page.locator("#trouble")).to_contain_text("Is it muted?")


def test_a_microphone_that_sends_nothing_at_all_is_told(signed_in: SignedIn, silence: Path) -> None:
    page = signed_in(sound=silence, scripts=(NO_SOUND,))
    page.get_by_role("button", name="Start captions").click()
    expect(page.locator("#trouble")).to_contain_text("No sound arrives")


DROP = """([name, bytes]) => {
  const held = new DataTransfer();
  held.items.add(new File([new Uint8Array(bytes)], name));
  for (const type of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(type, { dataTransfer: held, bubbles: true, cancelable: true }));
  }
}"""


def test_a_file_that_is_dropped_is_heard_and_one_that_is_no_sound_is_told(signed_in: SignedIn, silence: Path) -> None:
    page = signed_in(sound=silence)
    page.route_web_socket("**/api-ws/v1/inference*", say_payload)
    page.evaluate(DROP, ["notes.txt", list(b"no sound at all")])
    expect(page.locator("#trouble")).to_have_text("This browser cannot read “notes.txt” as sound.")
    page.evaluate(DROP, ["silence.wav", list(silence.read_bytes())])
    expect(page.locator("#list li.final")).to_be_visible()
    expect(page.locator("#stateText")).to_have_text("Ready")
    expect(page.locator("#time")).to_have_text("0:01")
