"""Teaches schemathesis to send the media types of WHIP and WHEP: text, as it is."""

import schemathesis


def as_text(ctx, value):
    return str(value).encode(errors="replace")


for media_type in ("application/sdp", "application/trickle-ice-sdpfrag"):
    schemathesis.serializer(media_type)(as_text)
