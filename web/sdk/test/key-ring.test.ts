import { expect, test, vi } from 'vitest';
import { LinkSecret, fromText } from '../src/e2ee/envelope';
import { KeyRing, type Message } from '../src/e2ee/key-ring';
import type { Order } from '../src/e2ee/orders';

/** A server that relays what members say to each other, and keeps a copy. */
class Relay {
  readonly heard: Message[] = [];
  readonly orders = new Map<string, Order[]>();
  readonly #rings = new Map<string, KeyRing>();
  /** Whose socket is broken, and they have not noticed: what they say is lost. */
  readonly #broken = new Set<string>();

  async join(id: string, secret = 'the secret'): Promise<KeyRing> {
    const orders: Order[] = [];
    const ring = new KeyRing({
      link: await LinkSecret.derive(secret, 'room_1'),
      me: id,
      order: (order) => orders.push(order),
      changed: () => undefined,
      send: (message, to) => {
        if (this.#broken.has(id)) return;
        this.heard.push(message);
        for (const [other, door] of this.#rings) {
          if (other !== id && (to === undefined || to === other)) void door.hear(id, message);
        }
      },
    });
    this.#rings.set(id, ring);
    this.orders.set(id, orders);
    this.#tell();
    await ring.announce();
    return ring;
  }

  leave(id: string): void {
    this.#rings.get(id)?.close();
    this.#rings.delete(id);
    this.#tell();
  }

  drop(id: string): void {
    this.#broken.add(id);
  }

  async resume(id: string): Promise<void> {
    this.#broken.delete(id);
    await this.#rings.get(id)?.announce();
  }

  /** What somebody seals with now, or has been given to open with, as key ids. */
  kids(id: string, what: 'seal' | 'open'): bigint[] {
    return (this.orders.get(id) ?? []).flatMap((order) => (order.do === what ? [order.kid] : []));
  }

  #tell(): void {
    for (const ring of this.#rings.values()) ring.roster(this.#rings.keys());
  }
}

const soon = (what: () => void) => vi.waitFor(what, { timeout: 3_000, interval: 10 });

test('everybody gets the sender key of everybody, also who comes late', async () => {
  const relay = new Relay();
  const [ann, bob] = [await relay.join('ann'), await relay.join('bob')];
  await soon(() => expect([ann.of('bob'), bob.of('ann')]).toEqual(['ready', 'ready']));
  const eve = await relay.join('eve');
  await soon(() => expect([eve.of('ann'), eve.of('bob'), ann.of('eve')]).toEqual(['ready', 'ready', 'ready']));
  expect(relay.kids('eve', 'open')).toEqual(expect.arrayContaining([...relay.kids('ann', 'seal'), ...relay.kids('bob', 'seal')]));
});

test('who has another secret is given no key, and learns that it is another one', async () => {
  const relay = new Relay();
  const [ann, eve] = [await relay.join('ann'), await relay.join('eve', 'a guess')];
  await soon(() => expect([ann.of('eve'), eve.of('ann')]).toEqual(['mismatch', 'mismatch']));
  expect(relay.heard.every(({ is }) => is === 'hello')).toBe(true);
  expect(relay.kids('eve', 'open')).toEqual([]);
});

test('whoever stays makes a new key when somebody leaves, and the one who left is not given it', async () => {
  const relay = new Relay();
  const [ann, bob, eve] = [await relay.join('ann'), await relay.join('bob'), await relay.join('eve')];
  await soon(() => expect([ann, bob, eve].map((ring) => ring.of('ann'))).toEqual(['ready', 'ready', 'ready']));
  await soon(() => expect(ann.of('eve')).toBe('ready'));
  await soon(() => expect(relay.kids('eve', 'open').length).toBe(2));
  relay.leave('eve');
  await soon(() => expect(relay.kids('ann', 'seal').length).toBe(2));
  const fresh = relay.kids('ann', 'seal')[1]!;
  await soon(() => expect(relay.kids('bob', 'open')).toContain(fresh));
  expect(relay.kids('eve', 'open')).not.toContain(fresh);
  expect(fresh).not.toBe(relay.kids('ann', 'seal')[0]);
});

test('no key passes the server in the clear', async () => {
  const relay = new Relay();
  const ann = await relay.join('ann');
  await relay.join('bob');
  await soon(() => expect(ann.of('bob')).toBe('ready'));
  const bases = [...relay.orders.values()].flat().flatMap((order) => ('base' in order ? [order.base] : []));
  expect(bases.length).toBeGreaterThan(2);
  const wire = relay.heard.map((message) => fromText('box' in message ? message.box : message.pub)!);
  const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  for (const base of bases) for (const bytes of wire) expect(hex(bytes)).not.toContain(hex(base));
});

test('what is not a key, or comes from somebody who is not here, changes nothing', async () => {
  const relay = new Relay();
  const ann = await relay.join('ann');
  for (const odd of [null, 7, 'hello', {}, { is: 'key', pub: '!', mac: 'AA' }, { is: 'hello', pub: 'AA', mac: 'AA' }]) {
    await ann.hear('mallory', odd);
  }
  expect(ann.of('mallory')).toBe('pending');
  expect(relay.kids('ann', 'open')).toEqual([]);
});

test('a new key that was lost with the socket is given again when the socket is back', async () => {
  const relay = new Relay();
  const [ann, bob] = [await relay.join('ann'), await relay.join('bob')];
  await relay.join('cid');
  await soon(() => expect([ann.of('bob'), ann.of('cid'), bob.of('ann')]).toEqual(['ready', 'ready', 'ready']));
  relay.drop('ann');
  relay.leave('cid');
  await soon(() => expect(relay.kids('ann', 'seal').length).toBe(2));
  const fresh = relay.kids('ann', 'seal')[1]!;
  expect(relay.kids('bob', 'open')).not.toContain(fresh);
  await relay.resume('ann');
  await soon(() => expect(relay.kids('bob', 'open')).toContain(fresh));
});

test('who came while a socket was broken gets the key of its owner', async () => {
  const relay = new Relay();
  await relay.join('ann');
  relay.drop('ann');
  const eve = await relay.join('eve');
  await new Promise((done) => setTimeout(done, 100)); // what Ann answers is lost
  expect(eve.of('ann')).toBe('pending');
  await relay.resume('ann');
  await soon(() => expect(eve.of('ann')).toBe('ready'));
});
