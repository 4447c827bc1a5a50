import { expect, test, vi } from 'vitest';
import { Identity, type Claim } from '../src/state/identity';

/** What a browser keeps; each tab has one of its own, and all tabs share one. */
function shelf(from?: Map<string, string>) {
  const values = new Map(from);
  return {
    values,
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
  };
}

/** A tab that is closed lets go, and a moment later others notice. */
async function close(claim: Claim): Promise<void> {
  claim.release();
  await new Promise((done) => setTimeout(done));
}

const open = (browser = shelf(), tab = shelf()) => new Identity({ browser, tab, locks: navigator.locks });

// Node 20 has no LockManager; this one knows what the page asks of it: wait with a signal, or do not wait at all.
function lockManager() {
  const held = new Map<string, Promise<void>>();
  const request = async (name: string, options: LockOptions, run: (lock: Lock | null) => unknown) => {
    while (held.has(name)) {
      if (options.ifAvailable) return run(null);
      const gone = new Promise((_, reject) => options.signal?.addEventListener('abort', () => reject(options.signal?.reason)));
      await Promise.race([held.get(name), gone]);
    }
    const done = Promise.resolve(run({ name, mode: 'exclusive' })).then(() => void held.delete(name));
    held.set(name, done);
    await done;
  };
  return { request } as unknown as LockManager;
}

vi.stubGlobal('navigator', { locks: lockManager() });

test('a browser that was closed and opened again is the same user', async () => {
  const browser = shelf();
  const first = await open(browser).claim('room_a1');
  await close(first);
  const second = await open(browser).claim('room_a1');
  expect(second.userId).toBe(first.userId);
  expect(first.userId).toBe(open(browser).userId);
});

test('a second tab in the same room is somebody else; in another room it is not', async () => {
  const browser = shelf();
  const { userId } = await open(browser).claim('room_b1');
  expect((await open(browser).claim('room_b1')).userId).not.toBe(userId);
  expect((await open(browser).claim('room_b2')).userId).toBe(userId);
});

test('a tab that is loaded again stays who it was, the second one too', async () => {
  const browser = shelf();
  await open(browser).claim('room_c1');
  const tab = shelf();
  const before = await open(browser, tab).claim('room_c1');
  setTimeout(before.release, 50); // the old page takes a moment to go
  const after = await open(browser, tab).claim('room_c1');
  expect(after).toMatchObject({ userId: before.userId, returning: true });
});

test('a tab that is duplicated is somebody else, and stays so', async () => {
  const browser = shelf();
  const tab = shelf();
  const original = await open(browser, tab).claim('room_d1');
  const copied = shelf(tab.values);
  const copy = await open(browser, copied).claim('room_d1');
  expect(copy.userId).not.toBe(original.userId);
  expect(copy.returning).toBe(false);
  await close(copy);
  expect((await open(browser, copied).claim('room_d1')).userId).toBe(copy.userId);
});

test('a page that cannot lock is the user of its browser', async () => {
  const identity = new Identity({ browser: shelf(), tab: shelf(), locks: undefined });
  expect((await identity.claim('room_e1')).userId).toBe(identity.userId);
});
