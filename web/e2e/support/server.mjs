// The server under test: the one that CALLS_URL names, or one of our own with a data directory of its own.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BINARY = process.env.CALLS_BIN ?? fileURLToPath(new URL('../../../target/debug/calls', import.meta.url));
const READY_WITHIN_MS = 20_000;
const STOP_WITHIN_MS = 10_000;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Starts a server; `stop` ends it. */
export async function startServer() {
  if (process.env.CALLS_URL) return { url: process.env.CALLS_URL, stop: async () => {} };
  return startMortalServer();
}

/**
 * A server of one's own, which `kill` ends as a power cut does and `again` starts over what is left. `guarded`: it asks for an API key, and
 * `key` is the one that it printed. `settings`: of its configuration, as variables of the environment.
 */
export async function startMortalServer({ guarded = false, settings = {} } = {}) {
  const data = await mkdtemp(join(tmpdir(), 'calls-e2e-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    ...process.env,
    CALLS__HTTP__BIND: `127.0.0.1:${port}`,
    CALLS__MEDIA__BIND: '127.0.0.1',
    CALLS__MEDIA__UDP_PORTS: '[0, 0]',
    CALLS__TURN__PORT: String(turnPort()),
    CALLS__DATABASE__URL: `sqlite:${join(data, 'calls.db')}`,
    CALLS__RECORDING__FOLDER: join(data, 'recordings'),
    CALLS__FILES__FOLDER: join(data, 'files'),
    ...settings,
  };
  const log = [];
  let server;
  let ended;
  const begin = () => {
    server = spawn(BINARY, guarded ? ['serve'] : ['serve', '--dev'], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk) => log.push(String(chunk)));
    ended = new Promise((done) => server.once('exit', done));
    return ready(url, server);
  };
  const stop = async () => {
    server.kill('SIGTERM');
    const late = setTimeout(() => server.kill('SIGKILL'), STOP_WITHIN_MS);
    await ended;
    clearTimeout(late); // or this process would live on for as long
    await rm(data, { recursive: true, force: true });
  };
  const kill = async () => {
    server.kill('SIGKILL');
    await ended;
  };
  try {
    await begin();
  } catch (error) {
    await stop();
    throw new Error(`${error.message}\n${log.join('').slice(-2000)}`);
  }
  return { url, stop, kill, again: begin, key: /^ +(calls_\S+)$/m.exec(log.join(''))?.[1] };
}

/** Asks the server's API, as an application would. */
export async function api(url, method, path, body) {
  const response = await fetch(`${url}/api/v1/calls${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.status === 204 ? null : response.json();
}

/** A new room; returns its id. */
export async function createRoom(url, more = {}) {
  const { room_id } = await api(url, 'POST', '/rooms', { name: 'Design review', ...more });
  return room_id;
}

async function ready(url, server) {
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    const response = await fetch(`${url}/readyz`).catch(() => null);
    if (response?.ok) return;
    await pause(100);
  }
  throw new Error('the server was not ready in time');
}

/** Where 0 means none: a number that the kernel hands out to nobody, so that no other server takes it meanwhile. */
const turnPort = () => 20_000 + Math.floor(Math.random() * 10_000);

function freePort() {
  return new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}
