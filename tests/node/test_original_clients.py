"""What the original's coordinator, or a person with ``nc``, gets: one unframed object, one unframed reply, the end."""

import pytest

from kvtui.core.protocol import HALF_REQUEST_SECONDS, Put
from kvtui.core.version import Version
from tests.node.nodes import Bench, on_a_node


async def one_shot(bench: Bench, text: str, *, eof: bool = False) -> str:
    client = await bench.client()
    client.send(text.encode())
    if eof:
        client.transport.write_eof()
    return (await client.rest()).decode()


@pytest.mark.parametrize("split", [0.0, 1.0])
def test_the_original_ops_are_answered_as_the_original_does(split: float) -> None:
    async def story(bench: Bench) -> None:
        for request, reply in [
            ('{"op":"get","key":"apple"}', '{"status":"not_found"}'),
            ('{"op":"put","key":"apple","value":"123"}', '{"status":"ok"}'),
            ('{"op": "get", "key": "apple"} ', '{"status":"ok","value":"123"}'),
            ('{"value":"a b\\n\\"c\\"","key":"sp ace","op":"put"}', '{"status":"ok"}'),
            ('{"op":"size"}', '{"status":"ok","keys":2}'),
            ('{"op":"del","key":"apple"}', '{"status":"ok"}'),
            ('{"op":"del","key":"apple"}', '{"status":"not_found"}'),
            ('{"op":"dump"}', '{"status":"ok","data":{"sp ace":"a b\\n\\"c\\""}}'),
            ('{"op":"zap"}', '{"status":"error","msg":"unknown op"}'),
            ('{"key":"a"}', '{"status":"error","msg":"unknown op"}'),
        ]:
            assert await one_shot(bench, request) == reply

    on_a_node(story, split=split, seed=3)


def test_a_nested_brace_does_not_end_an_unframed_request() -> None:
    async def story(bench: Bench) -> None:
        client = await bench.client()
        client.send(b'{"op":"put","key":"a","value":"}')
        await bench.clock.sleep(1)
        client.send(b'","more":{"x":1}')
        await bench.clock.sleep(1)
        assert not client.closed
        client.send(b"}")
        assert await client.rest() == b'{"status":"ok"}'
        assert await one_shot(bench, '{"op":"get","key":"a"}') == '{"status":"ok","value":"}"}'

    on_a_node(story)


def test_a_large_value_comes_whole_where_pieces_are_unknown() -> None:
    value = "x" * 200_000

    async def story(bench: Bench) -> None:
        assert await one_shot(bench, f'{{"op":"put","key":"a","value":"{value}"}}') == '{"status":"ok"}'
        assert await one_shot(bench, '{"op":"get","key":"a"}') == f'{{"status":"ok","value":"{value}"}}'

    on_a_node(story)


def test_an_unfinished_request_is_answered_at_the_end_of_input() -> None:
    async def story(bench: Bench) -> None:
        assert await one_shot(bench, '{"op":"size"', eof=True) == (
            '{"status":"error","msg":"the request is not JSON: Input data was truncated"}'
        )
        client = await bench.client()
        client.send(b'{"op":"size"}\n{"op":"size","id":7}')
        client.transport.write_eof()
        assert await client.rest() == b'{"status":"ok","keys":0}\n{"status":"ok","id":7,"keys":0}\n'

    on_a_node(story)


def test_bad_json_without_a_newline_is_answered_by_the_deadline_of_requests() -> None:
    async def story(bench: Bench) -> None:
        began = bench.clock.monotonic()
        reply = await one_shot(bench, "PUT apple 123")
        assert reply.startswith('{"status":"error","msg":"the request was not whole after 10 s')
        assert HALF_REQUEST_SECONDS < bench.clock.monotonic() - began < HALF_REQUEST_SECONDS + 2

    on_a_node(story)


def test_a_first_request_with_an_id_or_a_hello_waits_for_its_newline() -> None:
    async def story(bench: Bench) -> None:
        for text, answered in [(b'{"op":"size","id":1}', b'"keys":0'), (b'{"op":"hello"}', b'"facts":')]:
            client = await bench.client()
            client.send(text)
            await bench.clock.sleep(2)
            assert not client.received
            client.send(b"\n")
            await bench.clock.sleep(2)
            assert answered in client.received
            assert not client.closed

    on_a_node(story)


def test_a_member_of_a_cluster_answers_their_reads_and_refuses_their_writes() -> None:
    async def story(bench: Bench) -> None:
        coordinator = await bench.coordinator()
        await coordinator.one(Put(key="apple", value="1", version=Version(1, 1)))
        assert await one_shot(bench, '{"op":"get","key":"apple"}') == '{"status":"ok","value":"1"}'
        for request in ('{"op":"put","key":"apple","value":"2"}', '{"op":"del","key":"apple"}'):
            assert await one_shot(bench, request) == (
                '{"status":"error","msg":"this node belongs to cluster ring: write through its coordinator'
                ' (where that is gone: kvtui recover)"}'
            )
        assert await one_shot(bench, '{"op":"dump"}') == '{"status":"ok","data":{"apple":"1"}}'

    on_a_node(story)
