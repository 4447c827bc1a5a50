// A network of one's own in the kernel: a namespace whose only way out is a pair of virtual interfaces, which `tc` makes as narrow
// as wanted. What runs in it is real, and so is the network between. Needs root.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The two ends (RFC 2544 keeps these addresses for measuring). */
export const OUTSIDE = '198.18.0.1';
const INSIDE = '198.18.0.2';

const NAME = `calls-${process.pid}`;
const OUTER = `co${process.pid}`.slice(0, 15);
const INNER = `ci${process.pid}`.slice(0, 15);

/** A line as slow as it says: what comes at once waits its turn, as in an ordinary router. With more of a burst a bucket lets it through as if the line were fast. */
const QUEUE = ['burst', '3kb', 'latency', '250ms'];

const ip = (...args) => execFileSync('ip', args, { stdio: 'pipe' });
const tc = (...args) => execFileSync('tc', args, { stdio: 'pipe' });
const within = (...args) => ip('netns', 'exec', NAME, ...args);

/** Why there can be none here; null where there can. */
export function whyNoNamespace() {
  if (process.getuid() !== 0) return 'only root makes network namespaces';
  try {
    make();
    narrow('3mbit');
    return null;
  } catch (error) {
    return `this machine does not let us: ${String(error.stderr || error.message).trim().split('\n')[0]}`;
  } finally {
    unmake();
  }
}

function make() {
  ip('netns', 'add', NAME);
  ip('link', 'add', OUTER, 'type', 'veth', 'peer', 'name', INNER, 'netns', NAME);
  ip('address', 'add', `${OUTSIDE}/30`, 'dev', OUTER);
  ip('link', 'set', OUTER, 'up');
  within('ip', 'address', 'add', `${INSIDE}/30`, 'dev', INNER);
  within('ip', 'link', 'set', INNER, 'up');
  within('ip', 'link', 'set', 'lo', 'up');
}

function unmake() {
  for (const args of [['link', 'delete', OUTER], ['netns', 'delete', NAME]]) {
    try {
      ip(...args);
    } catch {
      // It was not made.
    }
  }
}

/** What comes in passes through here, at this rate. */
const narrow = (rate) => tc('qdisc', 'replace', 'dev', OUTER, 'root', 'tbf', 'rate', rate, ...QUEUE);

/** A namespace; `browser` runs Chromium in it. */
export function openNamespace() {
  make();
  const folder = mkdtempSync(join(tmpdir(), 'calls-namespace-'));
  const browser = join(folder, 'chromium');
  writeFileSync(browser, `#!/bin/sh\nexec ip netns exec ${NAME} ${process.env.CHROMIUM ?? '/usr/bin/chromium'} "$@"\n`);
  chmodSync(browser, 0o755);
  let outer;
  let inner;
  return {
    browser,
    narrow,
    /** Makes a port of this machine's loopback interface reached at the same address from inside. */
    async reach(port) {
      outer = await forward(OUTSIDE, port, '127.0.0.1');
      const program = `import net from 'node:net'; ${forward}; await forward('127.0.0.1', ${port}, '${OUTSIDE}'); console.log('ready');`;
      inner = spawn('ip', ['netns', 'exec', NAME, process.execPath, '--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
      await new Promise((done, fail) => {
        inner.stdout.once('data', done);
        inner.once('exit', () => fail(new Error('nobody forwards inside the namespace')));
      });
    },
    close() {
      inner?.removeAllListeners('exit');
      inner?.kill();
      outer?.close();
      unmake();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Takes connections at one address, and passes them on to the same port of another. Also runs by its source alone. */
function forward(from, port, to) {
  const server = net.createServer((client) => {
    const other = net.connect(port, to);
    for (const socket of [client, other]) socket.unref(); // what the end cuts off keeps no process alive
    client.pipe(other).pipe(client);
    client.on('error', () => other.destroy());
    other.on('error', () => client.destroy());
  });
  return new Promise((done) => server.listen(port, from, () => done(server)));
}
