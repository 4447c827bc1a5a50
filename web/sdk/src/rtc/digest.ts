/** A short word about how well the media arrives, for the server's quality history. */

export interface Digest {
  rtt_ms?: number;
  loss?: number;
  freezes?: number;
}

/** Counters that only grow; the digest tells their growth. */
interface Totals {
  received: number;
  lost: number;
  freezes: number;
}

export class Digester {
  #before: Totals = { received: 0, lost: 0, freezes: 0 };

  /** The digest since the last one. */
  digest(report: Iterable<RTCStats>): Digest {
    const now: Totals = { received: 0, lost: 0, freezes: 0 };
    const digest: Digest = {};
    for (const stats of report) {
      if (stats.type === 'inbound-rtp') add(now, stats as RTCInboundRtpStreamStats);
      if (stats.type === 'candidate-pair') {
        const { nominated, currentRoundTripTime } = stats as RTCIceCandidatePairStats;
        if (nominated && currentRoundTripTime !== undefined) digest.rtt_ms = Math.round(currentRoundTripTime * 1000);
      }
    }
    const lost = Math.max(0, now.lost - this.#before.lost);
    const received = Math.max(0, now.received - this.#before.received);
    if (lost + received > 0) digest.loss = lost / (lost + received);
    digest.freezes = Math.max(0, now.freezes - this.#before.freezes);
    this.#before = now;
    return digest;
  }
}

function add(totals: Totals, stream: RTCInboundRtpStreamStats): void {
  totals.received += stream.packetsReceived ?? 0;
  totals.lost += stream.packetsLost ?? 0;
  totals.freezes += stream.freezeCount ?? 0;
}
