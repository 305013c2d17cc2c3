"""A conversation is data: it survives JSON, and says what a model should see of it."""

from __future__ import annotations

import subprocess
import sys

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from vlmtui.chats.conversation import AnswerStats, ChatMessage, Conversation

_texts = st.text(st.characters(exclude_categories=["Cs"]))
_stats = st.builds(
    AnswerStats,
    prompt_tokens=st.integers(0, 10**6),
    completion_tokens=st.integers(0, 10**6),
    ttft_s=st.floats(0, 1e4),
    reason=st.sampled_from(["", "end", "length", "stopped"]),
)
_messages = st.builds(
    ChatMessage,
    role=st.sampled_from(["system", "user", "assistant"]),
    text=_texts,
    attachments=st.lists(_texts, max_size=3).map(tuple),
    state=st.sampled_from(["done", "streaming", "stopped", "failed"]),
    error=_texts,
    remedy=_texts,
    stats=_stats,
)


@given(st.lists(_messages, max_size=5))
def test_a_conversation_survives_json(messages: list[ChatMessage]) -> None:
    conversation = Conversation(messages=messages)
    line = msgspec.json.encode(conversation)
    assert msgspec.json.decode(line, type=Conversation) == conversation


def answered(conversation: Conversation, text: str, state: str = "done") -> ChatMessage:
    message = conversation.begin_answer()
    message.text, message.state = text, state  # type: ignore[assignment]
    return message


def test_an_answer_streams_until_it_has_ended() -> None:
    conversation = Conversation()
    conversation.ask("how many?", ("/a.png",))
    assert conversation.streaming is None
    message = conversation.begin_answer()
    assert conversation.streaming is message
    message.state = "done"
    assert conversation.streaming is None
    assert [entry.role for entry in conversation.messages] == ["user", "assistant"]


def test_a_failed_answer_is_replaced_by_the_next_attempt() -> None:
    conversation = Conversation()
    question = conversation.ask("how many?")
    failed = answered(conversation, "th", "failed")
    assert conversation.failed is failed
    again = conversation.begin_answer()
    assert conversation.messages == [question, again]
    assert conversation.failed is None


def test_the_model_sees_stopped_answers_but_neither_the_unfinished_nor_the_empty() -> None:
    conversation = Conversation()
    conversation.ask("one")
    answered(conversation, "1", "stopped")
    conversation.ask("two")
    conversation.begin_answer()
    assert [entry.text for entry in conversation.for_the_model()] == ["one", "1", "two"]


def test_a_retry_asks_the_failed_question_again() -> None:
    conversation = Conversation()
    conversation.ask("one", ("/gone.png",))
    answered(conversation, "", "failed")
    assert [entry.text for entry in conversation.for_the_model()] == ["one"]
    conversation.begin_answer()
    assert [entry.text for entry in conversation.for_the_model()] == ["one"]


def test_a_question_that_failed_is_not_sent_with_the_next_one() -> None:
    conversation = Conversation()
    conversation.ask("fine")
    answered(conversation, "yes")
    conversation.ask("broken picture", ("/broken.png",))
    answered(conversation, "", "failed")
    conversation.ask("next")
    conversation.begin_answer()
    assert [entry.text for entry in conversation.for_the_model()] == ["fine", "yes", "next"]
    assert len(conversation.messages) == 6, "it stays in the conversation"


def test_it_knows_neither_widgets_nor_the_engine() -> None:
    code = (
        "import sys, vlmtui.chats.conversation\n"
        "print(sorted(name for name in sys.modules if name.startswith(('textual', 'vlmtui.'))))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    # Which frames of a video are sent belongs to a question: plain data from the models' arithmetic.
    assert out.strip() == str(
        [
            "vlmtui.chats",
            "vlmtui.chats.answering",
            "vlmtui.chats.conversation",
            "vlmtui.models",
            "vlmtui.models.sampling",
        ]
    )
