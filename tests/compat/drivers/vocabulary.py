"""Drives the lists of hot words of `dashscope` as a program would, and writes what the caller saw as JSON lines.

Runs inside an environment that holds one version of the SDK and nothing of this project.
In: one JSON object on the command line: scenario, http, url, key, other (another tenant's key), file (raw pcm).
"""

import json
import sys

import dashscope
from dashscope.audio.asr import AsrPhraseManager, Recognition, RecognitionCallback, VocabularyService
from dashscope.audio.asr.vocabulary import VocabularyServiceException

WORDS = [{"text": "Bulge Bracket", "weight": 4}, {"text": "吴贻弓", "weight": 5, "lang": "zh"}]


def say(what, **details):
    print(json.dumps({"what": what, **details}), flush=True)


def attempt(what, call, *given, **named):
    """What came of a call: its value, or what its exception says."""
    try:
        say(what, value=call(*given, **named))
    except VocabularyServiceException as error:
        say(what, refused=str(error))


def life(job):
    service = VocabularyService()
    id = service.create_vocabulary("fun-asr-realtime", "bank", WORDS)
    say("created", value=id, request_id=service.get_last_request_id())
    attempt("queried", service.query_vocabulary, id)
    attempt("listed", service.list_vocabularies, prefix="bank", page_index=0, page_size=10)
    attempt("listed all", service.list_vocabularies)
    attempt("updated", service.update_vocabulary, id, WORDS[:1])
    attempt("queried again", service.query_vocabulary, id)
    attempt("deleted", service.delete_vocabulary, id)
    attempt("queried after", service.query_vocabulary, id)


def failures(job):
    service = VocabularyService()
    make = service.create_vocabulary
    attempt("bad prefix", make, "fun-asr-realtime", "Not-Good", WORDS)
    attempt("bad weight", make, "fun-asr-realtime", "a", [{"text": "x", "weight": 6}])
    attempt("no weight", make, "fun-asr-realtime", "a", [{"text": "x"}])
    attempt("long text", make, "fun-asr-realtime", "a", [{"text": "吴" * 16, "weight": 4}])
    attempt("many words", make, "fun-asr-realtime", "a", [{"text": "a b c d e f g h", "weight": 4}])
    attempt("no entries", make, "fun-asr-realtime", "a", [])
    attempt("too many", make, "fun-asr-realtime", "a", [{"text": f"w{n}", "weight": 4} for n in range(501)])
    attempt("no model", make, "no-such-model", "a", WORDS)
    attempt("unknown update", service.update_vocabulary, "vocab-a-00", WORDS)
    attempt("unknown delete", service.delete_vocabulary, "vocab-a-00")
    attempt("wrong service", VocabularyService(model="other").list_vocabularies)
    attempt("wrong key", VocabularyService(api_key="sk-wrong").list_vocabularies)


def full(job):
    service = VocabularyService()
    made = [service.create_vocabulary("fun-asr-realtime", "full", WORDS) for _ in range(10)]
    attempt("one more", service.create_vocabulary, "fun-asr-realtime", "full", WORDS)
    for id in made:
        service.delete_vocabulary(id)


def tenants(job):
    mine, theirs = VocabularyService(api_key=job["key"]), VocabularyService(api_key=job["other"])
    id = mine.create_vocabulary("fun-asr-realtime", "mine", WORDS)
    attempt("query", theirs.query_vocabulary, id)
    attempt("update", theirs.update_vocabulary, id, WORDS)
    attempt("delete", theirs.delete_vocabulary, id)
    attempt("list", theirs.list_vocabularies)
    use(job, "use", id, job["other"])
    attempt("still there", mine.query_vocabulary, id)
    mine.delete_vocabulary(id)


def used(job):
    """A list, a task that names it, and a task that names none."""
    service = VocabularyService()
    id = service.create_vocabulary("fun-asr-realtime", "used", [{"text": job["word"], "weight": 5}])
    use(job, "with", id, job["key"])
    use(job, "without", None, job["key"])
    service.delete_vocabulary(id)
    use(job, "deleted", id, job["key"])


def use(job, what, id, key):
    dashscope.api_key = key
    options = {"vocabulary_id": id} if id else {}
    recognition = Recognition(
        model="fun-asr-realtime", format="pcm", sample_rate=16000, callback=RecognitionCallback(), **options
    )
    result = recognition.call(job["file"])
    sentences = result.get_sentence() or []
    text = " ".join(s["text"] for s in ([sentences] if isinstance(sentences, dict) else sentences))
    say(what, status=int(result.status_code), code=result.code, message=result.message, text=text)


def phrases(job):
    def told(what, response):
        output = response.output
        seen = output if isinstance(output, dict) or output is None else vars(output)
        say(
            what,
            status=int(response.status_code),
            code=response.code,
            output=json.loads(json.dumps(seen, default=vars)),
        )

    model = "paraformer-realtime-v1"
    made = AsrPhraseManager.create_phrases(model=model, phrases={"Bulge Bracket": 90, "nothing": -3})
    told("created", made)
    id = made.output["finetuned_output"]
    told("queried", AsrPhraseManager.query_phrases(phrase_id=id))
    told("listed", AsrPhraseManager.list_phrases(page=1, page_size=10))
    told("updated", AsrPhraseManager.update_phrases(model=model, phrase_id=id, phrases={"Middle Market": 5}))
    told("deleted", AsrPhraseManager.delete_phrases(phrase_id=id))
    told("queried after", AsrPhraseManager.query_phrases(phrase_id=id))


if __name__ == "__main__":
    job = json.loads(sys.argv[1])
    dashscope.api_key = job["key"]
    dashscope.base_http_api_url = job["http"] + "/api/v1"
    dashscope.base_websocket_api_url = job["url"]
    globals()[job["scenario"]](job)
    sys.stdout.flush()
