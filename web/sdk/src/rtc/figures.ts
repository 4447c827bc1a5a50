/** How a call's media flows, in figures for people: what `getStats` says, as rates since the last look. */

/** One stream. */
export interface Flow {
  id: string;
  way: 'in' | 'out';
  kind: 'audio' | 'video';
  /** The name of its encoding, where it has several. */
  rid: string | null;
  /** Without the `video/` in front of it. */
  codec: string;
  kbps: number;
  /** Pixels; null for sound, and before the first frame. */
  width: number | null;
  height: number | null;
  fps: number | null;
  /** Lost share since the last look, 0 to 1; null where none was expected. */
  loss: number | null;
}

export interface Figures {
  rttMs: number | null;
  upKbps: number;
  downKbps: number;
  /** What the browser believes to be able to send. */
  availableKbps: number | null;
  /** `udp` or `tcp`, and whether through a relay. */
  path: { protocol: string; relayed: boolean } | null;
  flows: Flow[];
}

interface Mark {
  at: number;
  bytes: number;
  packets: number;
  lost: number;
}

type Stream = RTCInboundRtpStreamStats & RTCOutboundRtpStreamStats;

export class Figurer {
  #before = new Map<string, Mark>();

  figures(report: Iterable<RTCStats>): Figures {
    const all = new Map([...report].map((stats) => [stats.id, stats]));
    const marks = new Map<string, Mark>();
    const figures: Figures = { rttMs: null, upKbps: 0, downKbps: 0, availableKbps: null, path: null, flows: [] };
    for (const stats of all.values()) {
      if (stats.type === 'candidate-pair') readPair(figures, stats as RTCIceCandidatePairStats, all);
      if (stats.type !== 'inbound-rtp' && stats.type !== 'outbound-rtp') continue;
      const flow = this.#flow(stats as Stream, all, marks);
      if (flow.way === 'in') figures.downKbps += flow.kbps;
      else figures.upKbps += flow.kbps;
      if (flow.kbps > 0) figures.flows.push(flow);
    }
    this.#before = marks;
    return figures;
  }

  #flow(stream: Stream, all: ReadonlyMap<string, RTCStats>, marks: Map<string, Mark>): Flow {
    const way = stream.type === 'inbound-rtp' ? 'in' : 'out';
    const now: Mark = {
      at: stream.timestamp,
      bytes: (way === 'in' ? stream.bytesReceived : stream.bytesSent) ?? 0,
      packets: stream.packetsReceived ?? 0,
      lost: stream.packetsLost ?? 0,
    };
    marks.set(stream.id, now);
    const before = this.#before.get(stream.id);
    const ms = before ? now.at - before.at : 0;
    const kbps = before && ms > 0 ? Math.max(0, ((now.bytes - before.bytes) * 8) / ms) : 0;
    const codec = all.get(stream.codecId ?? '') as { mimeType?: string } | undefined;
    return {
      id: stream.id,
      way,
      kind: stream.kind === 'video' ? 'video' : 'audio',
      rid: stream.rid ?? null,
      codec: codec?.mimeType?.split('/')[1] ?? '',
      kbps: Math.round(kbps),
      width: stream.frameWidth ?? null,
      height: stream.frameHeight ?? null,
      fps: stream.framesPerSecond ?? null,
      loss: way === 'in' ? lossBetween(before, now) : null,
    };
  }
}

function lossBetween(before: Mark | undefined, now: Mark): number | null {
  const lost = Math.max(0, now.lost - (before?.lost ?? 0));
  const expected = lost + Math.max(0, now.packets - (before?.packets ?? 0));
  return expected > 0 ? lost / expected : null;
}

function readPair(figures: Figures, pair: RTCIceCandidatePairStats, all: ReadonlyMap<string, RTCStats>): void {
  if (!pair.nominated || pair.state !== 'succeeded') return;
  if (pair.currentRoundTripTime !== undefined) figures.rttMs = Math.round(pair.currentRoundTripTime * 1000);
  if (pair.availableOutgoingBitrate !== undefined) figures.availableKbps = Math.round(pair.availableOutgoingBitrate / 1000);
  const local = all.get(pair.localCandidateId) as { candidateType?: string; protocol?: string } | undefined;
  if (local) figures.path = { protocol: local.protocol ?? '', relayed: local.candidateType === 'relay' };
}
