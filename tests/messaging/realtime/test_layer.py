"""The channel layer: everything of the stock one, and groups that say when they are live."""

import asyncio
import inspect

import pytest
from channels_redis import pubsub, utils

from messaging.realtime.layer import EventLayer, LoopLayer
from messaging.realtime.publisher import Publisher
from tests.messaging.realtime.layers import Ear, frame, join, layer_at, until
from tests.messaging.realtime.valkey import MortalValkey

pytestmark = pytest.mark.asyncio


async def test_stock_consumers_get_what_group_send_sends(layer: EventLayer) -> None:
    first, second = await layer.new_channel(), await layer.new_channel()
    await layer.group_add("room", first)
    await layer.group_add("room", second)

    await layer.group_send("room", {"type": "chat.message", "n": 1})
    await layer.send(first, {"type": "direct", "n": 2})

    assert (await layer.receive(first))["n"] == 1
    assert (await layer.receive(second))["n"] == 1
    assert (await layer.receive(first))["n"] == 2


async def test_a_general_channel_is_read_by_whoever_receives_from_it(layer: EventLayer) -> None:
    waiting = asyncio.create_task(layer.receive("tasks"))
    await asyncio.sleep(0.1)

    await layer.send("tasks", {"type": "do", "n": 3})

    assert (await asyncio.wait_for(waiting, 5))["n"] == 3


async def test_event_frames_skip_the_queue_and_reach_a_sink_once(layer: EventLayer) -> None:
    ear = Ear()
    channels = [await join(layer, "room", ear) for _ in range(3)]

    await asyncio.to_thread(layer.publish, [("room", frame(n)) for n in range(200)])

    await until(lambda: len(ear.heard) == 200)
    assert ear.heard == [("room", n) for n in range(200)]
    assert all(layer._get_layer().channels[channel].empty() for channel in channels)


async def test_other_messages_reach_attached_channels_as_ever(layer: EventLayer) -> None:
    ear = Ear()
    channel = await join(layer, "room", ear)

    await layer.group_send("room", {"type": "chat.message", "n": 1})

    assert (await layer.receive(channel))["n"] == 1
    assert ear.heard == []


async def test_channels_without_a_sink_get_event_frames_in_their_queue(layer: EventLayer) -> None:
    ear = Ear()
    await join(layer, "room", ear)
    plain = await layer.new_channel()
    await layer.group_add("room", plain)

    await asyncio.to_thread(layer.publish, [("room", frame(7))])

    assert (await asyncio.wait_for(layer.receive(plain), 5))["n"] == 7
    assert ear.heard == [("room", 7)]


async def test_many_groups_are_each_heard_on_several_hosts(valkey: MortalValkey) -> None:
    base = valkey.url.rpartition("/")[0]
    layer = layer_at(f"{base}/0", f"{base}/1", f"{base}/2")
    ear = Ear()
    groups = [f"room.{number}" for number in range(150)]
    for group in groups:
        await join(layer, group, ear)

    sent = await asyncio.to_thread(layer.publish, [(group, frame(1)) for group in groups])

    assert sent == 150
    await until(lambda: len(ear.heard) == 150)
    assert {group for group, _ in ear.heard} == set(groups)
    assert all(shard._subscribed_to for shard in layer._get_layer()._shards)
    await layer.flush()


async def test_a_group_already_live_is_ready_at_once_for_who_joins_later(layer: EventLayer) -> None:
    await join(layer, "room", Ear())
    late = Ear()
    channel = await layer.new_channel()
    layer.attach(channel, late)

    await layer.group_add("room", channel)

    assert late.ready == ["room"]


async def test_a_failing_sink_and_a_mangled_message_hurt_nobody_else(layer: EventLayer) -> None:
    broken, ear = Ear(broken=True), Ear()
    await join(layer, "room", broken)
    await join(layer, "room", ear)

    def publish() -> None:
        layer.publish([("room", frame(1))])
        layer._publisher.publish([("t__group__room", b"not a sealed message")])
        layer.publish([("room", {"type": "event.frame", "n": object()}), ("room", frame(2))])

    await asyncio.to_thread(publish)

    await until(lambda: len(ear.heard) == 2)
    assert ear.heard == [("room", 1), ("room", 2)]
    assert ear.ready == ["room"]


async def test_detach_leaves_nothing_behind(layer: EventLayer) -> None:
    ear = Ear()
    channel = await join(layer, "room", ear)
    await layer.group_add("other", channel)

    await layer.detach(channel)

    tables = layer._get_layer()
    assert (tables.sinks, tables.joined, tables.groups, tables.channels) == ({}, {}, {}, {})
    assert tables.live == set()
    shard = tables._shards[0]
    assert shard._subscribed_to == {f"{tables._own}*"}


async def test_flush_makes_it_new_and_usable(layer: EventLayer) -> None:
    ear = Ear()
    await join(layer, "room", ear)

    await layer.flush()

    tables = layer._get_layer()
    assert (tables.sinks, tables.joined, tables.live) == ({}, {}, set())
    again = Ear()
    await join(layer, "room", again)
    await asyncio.to_thread(layer.publish, [("room", frame(1))])
    await until(lambda: again.heard == [("room", 1)])


async def test_what_travels_is_sealed(layer: EventLayer, valkey: MortalValkey) -> None:
    import redis.asyncio as aioredis

    client = aioredis.Redis.from_url(valkey.url)
    listener = client.pubsub()
    await listener.subscribe("t__group__room")
    await listener.get_message(timeout=2)

    await asyncio.to_thread(layer.publish, [("room", {"type": "event.frame", "n": "canary"})])

    message = await listener.get_message(timeout=2)
    await listener.aclose()
    await client.aclose()
    assert message is not None
    assert b"canary" not in message["data"]
    assert layer.deserialize(message["data"])["n"] == "canary"


async def test_the_seams_of_channels_redis_are_where_the_layer_expects_them() -> None:
    stock = pubsub.RedisPubSubChannelLayer(hosts=["redis://localhost"], prefix="t")
    assert {"_args", "_kwargs", "_layers", "_serializer"} <= vars(stock).keys()
    assert list(inspect.signature(stock._get_layer).parameters) == []
    loop_layer = pubsub.RedisPubSubLoopLayer(hosts=["redis://localhost"], channel_layer=stock)
    assert {"prefix", "channels", "groups", "_shards", "channel_layer"} <= vars(loop_layer).keys()
    assert loop_layer._get_group_channel_name("room") == "asgi__group__room"
    for name in ("new_channel", "group_add", "group_discard", "receive", "flush", "_get_shard"):
        assert callable(getattr(pubsub.RedisPubSubLoopLayer, name))
    shard = loop_layer._shards[0]
    assert {"_lock", "_redis", "_pubsub", "_subscribed_to", "_receive_task"} <= vars(shard).keys()
    overridden = {
        "subscribe": ["self", "channel"],
        "unsubscribe": ["self", "channel"],
        "flush": ["self"],
        "_do_receiving": ["self"],
        "_receive_message": ["self", "message"],
        "_ensure_redis": ["self"],
        "_ensure_receiver": ["self"],
    }
    for name, parameters in overridden.items():
        method = getattr(pubsub.RedisSingleShardConnection, name)
        assert list(inspect.signature(method).parameters) == parameters, name
    assert [list(inspect.signature(f).parameters) for f in (utils._wrap_close, utils.create_pool)]
    assert utils.decode_hosts(["redis://a"]) == [{"address": "redis://a"}]
    assert utils._consistent_hash("anything", 1) == 0


async def test_publishing_meets_the_shard_that_the_layer_listens_on() -> None:
    hosts = [f"redis://localhost/{number}" for number in range(4)]
    tables = LoopLayer(hosts=hosts, prefix="t", channel_layer=None)
    publisher = Publisher(utils.decode_hosts(hosts))
    for number in range(100):
        name = f"t__group__room.{number}"
        index = utils._consistent_hash(name, len(publisher._targets))
        assert tables._shards[index] is tables._get_shard(name)
