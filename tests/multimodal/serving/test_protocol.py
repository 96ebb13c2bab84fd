"""Who does not read an answer does not keep its connection."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from multimodal.serving.protocol import TimedProtocol
from multimodal.serving.settings import Limits


class Clock:
    """An event loop that only remembers what is to be called later."""

    def __init__(self):
        self.later = []

    def call_later(self, seconds, callback):
        self.later.append((seconds, callback))
        return Mock()


@pytest.fixture
def protocol():
    async def application(scope, receive, send):
        raise AssertionError("nobody asked")

    clock, transport = Clock(), Mock(spec=asyncio.Transport)
    transport.get_extra_info.return_value = None
    transport.is_closing.return_value = False
    made = type("Protocol", (TimedProtocol,), {"limits": Limits(headers_s=7, body_s=11)})(
        Config(application, log_config=None), ServerState(), {}, clock
    )
    made.connection_made(transport)
    return made, transport, clock


def test_headers_that_do_not_come(protocol):
    _, transport, clock = protocol
    ((seconds, close),) = clock.later
    assert seconds == 7
    close()
    transport.close.assert_called_once_with()


def test_an_answer_that_is_not_read(protocol):
    made, transport, clock = protocol
    made.timeout_keep_alive_handler()
    # Closing waits until what was written is read; that has an end.
    transport.close.assert_called_once_with()
    transport.abort.assert_not_called()
    seconds, give_up = clock.later[-1]
    assert seconds == 11
    give_up()
    transport.abort.assert_called_once_with()
