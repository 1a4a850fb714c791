"""The proxy's eyes: frames are cut at their ends however they arrive, and every answer finds its command."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults.resp import Answers, Frames, Unreadable, words

WHOLE = [
    b"+OK\r\n",
    b"-ERR no such thing\r\n",
    b":-12\r\n",
    b"$0\r\n\r\n",
    b"$-1\r\n",
    b"$8\r\nab\r\n*2\r\n\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*3\r\n*2\r\n$1\r\na\r\n:1\r\n$-1\r\n*1\r\n*0\r\n",
    b"_\r\n",
    b"#t\r\n",
    b",3.25\r\n",
    b"(3492890328409238509324850943850943825024385\r\n",
    b"!5\r\nERR x\r\n",
    b"=7\r\ntxt:a\r\n\r\n",
    b"%2\r\n+a\r\n:1\r\n$1\r\nb\r\n*1\r\n:2\r\n",
    b"~2\r\n+a\r\n+b\r\n",
    b"|1\r\n+ttl\r\n:3600\r\n*2\r\n:1\r\n:2\r\n",
    b">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\nhello\r\n",
]


@given(st.lists(st.sampled_from(WHOLE), max_size=12), st.data())
def test_frames_are_whole_however_they_arrive(frames: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(frames)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(stream)))) | {0, len(stream)})
    reader = Frames()
    found = [frame for start, end in pairwise(cuts) for frame in reader.feed(stream[start:end])]
    assert found == frames


@given(st.lists(st.sampled_from([b"PING\r\n", b"\r\n", b"SET a b\n", b"*1\r\n$4\r\nPING\r\n", b"*0\r\n"]), max_size=8))
def test_commands_may_be_plain_lines_too(frames: list[bytes]) -> None:
    stream, reader = b"".join(frames), Frames(inline=True)
    found = [frame for byte in stream for frame in reader.feed(bytes([byte]))]
    assert found == frames


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n", b"*x\r\n", b"$1x\r\na\r\n", b"*1\r\n?1\r\n"])
def test_what_is_no_protocol_is_said_not_guessed(garbage: bytes) -> None:
    with pytest.raises(Unreadable):
        Frames().feed(garbage)


def test_words_are_the_strings_a_frame_begins_with() -> None:
    frame = b"*4\r\n$4\r\nEVAL\r\n$6\r\na\r\nb\r\n\r\n$1\r\n0\r\n:7\r\n"
    assert words(frame) == [b"EVAL", b"a\r\nb\r\n", b"0"]
    assert words(frame, 1) == [b"EVAL"]
    assert words(b"set  a 1\r\n") == [b"set", b"a", b"1"]
    assert words(b"*0\r\n") == words(b"*-1\r\n") == words(b"\r\n") == words(b"*2\r\n:1\r\n+a\r\n") == []
    assert words(b"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n") == [b"unsubscribe", b""]


def command(*parts: str) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part.encode()) for part in parts)


def asked(*commands: str) -> Answers[str]:
    answers: Answers[str] = Answers()
    for one in commands:
        answers.expect(one, one.split()[0], command(*one.split()))
    return answers


def told(kind: str, *rest: str, start: str = ">") -> bytes:
    return start.encode() + command(kind, *rest)[1:]


def test_answers_belong_to_the_oldest_command_that_has_none() -> None:
    answers = asked("get a", "get b", "get c")
    assert [answers.first(frame) for frame in (b"$-1\r\n", b"-ERR\r\n", b"+x\r\n")] == ["get a", "get b", "get c"]
    assert answers.first(b"+unasked\r\n") is None


@pytest.mark.parametrize("start", ["*", ">"])
def test_subscribing_is_answered_once_a_channel(start: str) -> None:
    """In both protocols; a message in between belongs to no command."""
    answers = asked("subscribe a b", "psubscribe c*", "unsubscribe", "ping")
    frames = [
        told("subscribe", "a", start=start),
        told("message", "a", "hello", start=start),
        told("subscribe", "b", start=start),
        told("pmessage", "c*", "c1", "hello", start=start),
        told("psubscribe", "c*", start=start),
        told("unsubscribe", "a", start=start),
        told("unsubscribe", "b", start=start),
        b"+PONG\r\n",
    ]
    owners = [answers.first(frame) for frame in frames]
    assert owners == ["subscribe a b", None, None, None, "psubscribe c*", "unsubscribe", None, "ping"]


def test_leaving_no_channel_is_answered_once() -> None:
    answers = asked("unsubscribe", "ping")
    assert answers.first(b"*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n") == "unsubscribe"
    assert answers.first(b"+PONG\r\n") == "ping"


def test_a_refused_subscription_is_answered_once() -> None:
    answers = asked("subscribe a b", "ping")
    assert answers.first(b"-NOPERM no\r\n") == "subscribe a b"
    assert answers.first(b"+PONG\r\n") == "ping"


def test_a_list_that_looks_like_a_message_is_an_answer() -> None:
    """Unless the client listens and speaks the old protocol, in which nothing else may come."""
    answers = asked("lrange l 0 -1", "subscribe a", "lrange l 0 -1")
    assert answers.first(told("message", "x", start="*")) == "lrange l 0 -1"
    assert answers.first(told("subscribe", "a")) == "subscribe a"
    assert answers.first(told("message", "x", start="*")) == "lrange l 0 -1"


def test_what_redis_pushes_unasked_answers_nothing() -> None:
    answers = asked("get a")
    assert answers.first(b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n") is None
    assert answers.first(b"$-1\r\n") == "get a"
