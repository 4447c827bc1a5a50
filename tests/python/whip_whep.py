"""An independent WebRTC stack publishes by WHIP (RFC 9725), and another one plays it by WHEP.

Run by pytest against the server at CALLS_URL; both peers are aiortc, which shares no code with the server.
"""

import asyncio
import fractions
import json
import math
import os
import struct
import time
import urllib.error
import urllib.request

import aioice.ice
import av
import pytest
from aiortc import MediaStreamTrack, RTCPeerConnection, RTCSessionDescription

API = os.environ["CALLS_URL"] + "/api/v1/calls"
WATCH_SECONDS = 6
FIRST_FRAME_SECONDS = 20

# aioice leaves the loopback address out, and everything here stays on this machine.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Picture(MediaStreamTrack):
    """320x240 at 25 frames a second, a little brighter each time."""

    kind = "video"
    SIZE = (320, 240)
    RATE = 25

    def __init__(self):
        super().__init__()
        self.number = 0
        self.begun = time.monotonic()

    async def recv(self):
        await asyncio.sleep(max(0, self.begun + self.number / self.RATE - time.monotonic()))
        frame = av.VideoFrame(*self.SIZE, "yuv420p")
        for plane, shade in zip(frame.planes, (self.number % 200 + 20, 90, 160)):
            plane.update(bytes([shade]) * plane.buffer_size)
        frame.pts, frame.time_base = self.number, fractions.Fraction(1, self.RATE)
        self.number += 1
        return frame


class Tone(MediaStreamTrack):
    """440 Hz, 20 ms a frame."""

    kind = "audio"
    RATE = 48_000
    SAMPLES = RATE // 50

    def __init__(self):
        super().__init__()
        self.number = 0
        self.begun = time.monotonic()

    async def recv(self):
        await asyncio.sleep(max(0, self.begun + self.number / 50 - time.monotonic()))
        first = self.number * self.SAMPLES
        wave = (
            int(8000 * math.sin(2 * math.pi * 440 * (first + i) / self.RATE))
            for i in range(self.SAMPLES)
        )
        frame = av.AudioFrame(format="s16", layout="mono", samples=self.SAMPLES)
        frame.planes[0].update(struct.pack(f"<{self.SAMPLES}h", *wave))
        frame.sample_rate = self.RATE
        frame.pts, frame.time_base = first, fractions.Fraction(1, self.RATE)
        self.number += 1
        return frame


def request(method, url, body=None, content_type="application/json", token=None):
    """Status, headers and text of an answer, whatever its status."""
    headers = {"Content-Type": content_type} if body is not None else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    asked = urllib.request.Request(url, body and body.encode(), headers, method=method)
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read().decode()


def create_room():
    status, _, text = request("POST", f"{API}/rooms", json.dumps({"name": "WHIP and WHEP"}))
    assert status == 201, text
    return json.loads(text)["room_id"]


def join(room, user):
    """A join token for this user."""
    status, _, text = request("POST", f"{API}/rooms/{room}/join", json.dumps({"user_id": user}))
    assert status in (200, 201), text
    return json.loads(text)["connection"]["token"]


async def negotiate(peer, endpoint, token):
    """Offers, takes the answer, and gives back the session's own URL."""
    await peer.setLocalDescription(await peer.createOffer())
    status, headers, text = await asyncio.to_thread(
        request, "POST", endpoint, peer.localDescription.sdp, "application/sdp", token
    )
    assert status == 201, text
    assert headers["Content-Type"].startswith("application/sdp")
    await peer.setRemoteDescription(RTCSessionDescription(text, "answer"))
    return os.environ["CALLS_URL"] + headers["Location"]


async def delete(session, token):
    status, _, text = await asyncio.to_thread(request, "DELETE", session, None, None, token)
    assert status in (200, 204), text


async def frames_a_second(track):
    """Decoded frames a second, from the first one on."""
    await asyncio.wait_for(track.recv(), FIRST_FRAME_SECONDS)
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < WATCH_SECONDS:
        await asyncio.wait_for(track.recv(), WATCH_SECONDS)
        count += 1
    return count / (time.monotonic() - begun)


async def publish_and_play():
    room = create_room()
    publisher, player = RTCPeerConnection(), RTCPeerConnection()
    try:
        publisher_token, player_token = join(room, "publisher"), join(room, "player")
        publisher.addTransceiver(Tone(), direction="sendonly")
        publisher.addTransceiver(Picture(), direction="sendonly")
        published = await negotiate(publisher, f"{API}/whip/{room}", publisher_token)

        for kind in ("audio", "video"):
            player.addTransceiver(kind, direction="recvonly")
        played = await negotiate(
            player, f"{API}/whep/{room}?participant=publisher", player_token
        )
        heard, seen = (receiver.track for receiver in player.getReceivers())
        rates = await asyncio.gather(frames_a_second(heard), frames_a_second(seen))

        await delete(played, player_token)
        await delete(published, publisher_token)
        return rates
    finally:
        await publisher.close()
        await player.close()
        request("DELETE", f"{API}/rooms/{room}")


def test_what_one_publishes_by_whip_another_plays_by_whep():
    audio, video = asyncio.run(asyncio.wait_for(publish_and_play(), 60))
    print(f"decoded a second: {audio:.1f} of 50 audio frames, {video:.1f} of {Picture.RATE} pictures")
    assert audio > 40
    assert video > 10


@pytest.mark.parametrize("way", ["whip", "whep"])
def test_a_forged_token_is_refused(way):
    room = create_room()
    status, headers, _ = request(
        "POST", f"{API}/{way}/{room}", "v=0\r\n", "application/sdp", "not-a-token"
    )
    assert status == 401
    assert headers["Content-Type"] == "application/problem+json"


def test_an_offer_that_is_no_sdp_is_refused_with_a_reason():
    room = create_room()
    status, _, text = request(
        "POST", f"{API}/whip/{room}", "hello", "application/sdp", join(room, "publisher")
    )
    assert status == 422
    assert json.loads(text)["code"]
