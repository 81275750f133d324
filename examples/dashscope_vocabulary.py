"""A list of hot words, made with the stock `dashscope` SDK, used in a recognition, and deleted again.

    pip install dashscope
    STENOWIRE_API_KEY=sk-... python examples/dashscope_vocabulary.py talk.wav "Bulge Bracket" Lazard

A real program makes its list once and keeps the id.
"""

import argparse
import os

import dashscope
from dashscope.audio.asr import Recognition, RecognitionCallback, VocabularyService

URL = os.environ.get("STENOWIRE_URL", "ws://127.0.0.1:8090")
MODEL = "fun-asr-realtime"
dashscope.api_key = os.environ.get("STENOWIRE_API_KEY") or os.environ.get("DASHSCOPE_API_KEY")
dashscope.base_websocket_api_url = f"{URL}/api-ws/v1/inference"
dashscope.base_http_api_url = f"{URL}/api/v1".replace("ws", "http", 1)


def recognise(path: str, **options) -> str:
    recognition = Recognition(model=MODEL, format="wav", sample_rate=16_000, callback=RecognitionCallback(), **options)
    result = recognition.call(path)
    return " ".join(sentence["text"] for sentence in result.get_sentence() or [])


def main() -> None:
    parser = argparse.ArgumentParser(description="A recording, without and with a list of hot words.")
    parser.add_argument("file")
    parser.add_argument("words", nargs="+", help="names and terms that are said in it")
    asked = parser.parse_args()

    service = VocabularyService()
    words = [{"text": word, "weight": 4} for word in asked.words]  # 1 to 5: how strongly
    vocabulary = service.create_vocabulary(target_model=MODEL, prefix="example", vocabulary=words)
    try:
        print("without:", recognise(asked.file))
        print("with:   ", recognise(asked.file, vocabulary_id=vocabulary))
    finally:
        service.delete_vocabulary(vocabulary)


if __name__ == "__main__":
    main()
