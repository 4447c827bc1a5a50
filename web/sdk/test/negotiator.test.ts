import { expect, test, vi } from 'vitest';
import { ConnectionLost } from '../src/errors';
import { Negotiator } from '../src/rtc/negotiator';

/** As much of a peer connection as an offer needs. */
class FakeConnection {
  signalingState = 'stable';
  localDescription = { sdp: '' };
  offers = 0;

  async setLocalDescription(description?: { type: string }): Promise<void> {
    this.signalingState = description?.type === 'rollback' ? 'stable' : 'have-local-offer';
    if (!description) this.localDescription = { sdp: `offer ${(this.offers += 1)}` };
  }

  async setRemoteDescription(): Promise<void> {
    this.signalingState = 'stable';
  }
}

function negotiator(exchange: (sdp: string) => Promise<string>) {
  const connection = new FakeConnection();
  const refused = vi.fn();
  const settled = vi.fn();
  const made = new Negotiator({
    connection: connection as unknown as RTCPeerConnection,
    exchange,
    published: () => [],
    settled,
    refused,
  });
  return { connection, refused, settled, made };
}

test('wishes during an exchange are served together by one more', async () => {
  const exchange = vi.fn(async () => 'answer');
  const { made, settled } = negotiator(exchange);
  const first = made.negotiate();
  void made.negotiate();
  void made.negotiate();
  await first;
  expect(exchange.mock.calls.length).toBeLessThanOrEqual(2);
  expect(settled).toHaveBeenCalledTimes(exchange.mock.calls.length);
});

test('an offer that was lost with the socket is made again when the socket is back', async () => {
  const exchange = vi.fn(async () => 'answer').mockRejectedValueOnce(new ConnectionLost());
  const { made, settled, refused } = negotiator(exchange);
  await made.negotiate();
  expect(settled).not.toHaveBeenCalled();
  await made.resume();
  expect(settled).toHaveBeenCalledTimes(1);
  expect(refused).not.toHaveBeenCalled();
});

test('a refused offer is rolled back and told', async () => {
  const { made, refused, connection } = negotiator(() => Promise.reject(new Error('sdp-no-bundle')));
  await made.negotiate();
  expect(connection.signalingState).toBe('stable');
  expect(refused).toHaveBeenCalledTimes(1);
});
