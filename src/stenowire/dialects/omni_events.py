"""The events of Omni's answers: one chain per response, with the transcript as its text.

In: an answer. Out: the server's events, in the order in which clients expect them.
"""

from typing import Literal

import msgspec

from stenowire.dialects.qwen_events import Content, Item, ItemCreated, ServerEvent

Status = Literal["in_progress", "completed", "cancelled", "failed"]


class InputDetails(msgspec.Struct, frozen=True):
    text_tokens: int
    audio_tokens: int


class OutputDetails(msgspec.Struct, frozen=True):
    text_tokens: int


class ResponseUsage(msgspec.Struct, frozen=True):
    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_tokens_details: InputDetails
    output_tokens_details: OutputDetails


class Response(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    object: Literal["realtime.response"] = "realtime.response"
    conversation_id: str = ""
    status: Status = "in_progress"
    modalities: tuple[str, ...] = ("text",)
    output: list[Item] = []
    usage: ResponseUsage | msgspec.UnsetType = msgspec.UNSET


class ResponseCreated(ServerEvent, frozen=True, tag="response.created"):
    response: Response


class ResponseDone(ServerEvent, frozen=True, tag="response.done"):
    response: Response


class OutputItem(ServerEvent, frozen=True):
    response_id: str
    item: Item
    output_index: int = 0


class OutputItemAdded(OutputItem, frozen=True, tag="response.output_item.added"):
    pass


class OutputItemDone(OutputItem, frozen=True, tag="response.output_item.done"):
    pass


class OutputPart(ServerEvent, frozen=True):
    response_id: str
    item_id: str
    part: Content
    output_index: int = 0
    content_index: int = 0


class ContentPartAdded(OutputPart, frozen=True, tag="response.content_part.added"):
    pass


class ContentPartDone(OutputPart, frozen=True, tag="response.content_part.done"):
    pass


class TextDelta(ServerEvent, frozen=True, tag="response.text.delta"):
    response_id: str
    item_id: str
    delta: str
    output_index: int = 0
    content_index: int = 0


class TextDone(ServerEvent, frozen=True, tag="response.text.done"):
    response_id: str
    item_id: str
    text: str
    output_index: int = 0
    content_index: int = 0


def ended(response_id: str, status: Status) -> ServerEvent:
    """A response that says nothing."""
    return ResponseDone(Response(id=response_id, status=status))


def answer(response_id: str, item_id: str, previous: str | None, text: str, usage: ResponseUsage) -> list[ServerEvent]:
    """All that follows `response.created`, for a response of one text. A text without characters has no delta."""
    item = Item(id=item_id, role="assistant", content=[])
    part = Content("text", text=text)
    done = msgspec.structs.replace(item, status="completed", content=[part])
    response = Response(id=response_id, status="completed", output=[done], usage=usage)
    return [
        OutputItemAdded(response_id, item),
        ItemCreated(previous, item),
        ContentPartAdded(response_id, item_id, Content("text", text="")),
        *([TextDelta(response_id, item_id, text)] if text else []),
        TextDone(response_id, item_id, text),
        ContentPartDone(response_id, item_id, part),
        OutputItemDone(response_id, done),
        ResponseDone(response),
    ]
