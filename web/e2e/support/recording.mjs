// Recordings: a server that may be killed, people who flash and beep, and what is in the files.
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SERVER, lossyNetwork } from './loss.mjs';
import { api } from './server.mjs';

const run = promisify(execFile);
const BINARY = process.env.CALLS_BIN ?? fileURLToPath(new URL('../../../target/debug/calls', import.meta.url));
const READY_WITHIN_MS = 20_000;
const SETTLED_WITHIN_MS = 40_000;
const LARGE = { maxBuffer: 1 << 28 };
const SAMPLE_RATE = 48_000;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** A place for a server whose data outlive it. `loss`: the share of all datagrams that never arrive, both ways. */
export async function home({ loss = 0 } = {}) {
  const data = await mkdtemp(join(tmpdir(), 'calls-recording-'));
  const port = await freePort();
  const media = loss > 0 ? await freePort() : 0;
  const network = loss > 0 ? await lossyNetwork(media, loss) : null;
  return {
    data,
    url: `http://127.0.0.1:${port}`,
    recordings: join(data, 'recordings'),
    async serve() {
      const env = {
        ...process.env,
        CALLS__HTTP__BIND: `127.0.0.1:${port}`,
        CALLS__MEDIA__BIND: network ? SERVER : '127.0.0.1',
        CALLS__MEDIA__UDP_PORTS: `[${media}]`,
        ...(network && { CALLS__MEDIA__ADVERTISED: network.address }),
        CALLS__TURN__PORT: '0',
        CALLS__DATABASE__URL: `sqlite:${join(data, 'calls.db')}`,
        CALLS__RECORDING__FOLDER: join(data, 'recordings'),
        CALLS__FILES__FOLDER: join(data, 'files'),
      };
      const server = spawn(BINARY, ['serve', '--dev'], { env, stdio: process.env.RECORD_LOG ? 'inherit' : 'ignore' });
      const ended = new Promise((done) => server.once('exit', done));
      await ready(this.url, server);
      const kill = async (signal) => {
        server.kill(signal);
        await ended;
      };
      return { kill };
    },
    network,
    async clear() {
      network?.close();
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function ready(url, server) {
  for (const until = Date.now() + READY_WITHIN_MS; Date.now() < until; await pause(50)) {
    if (server.exitCode !== null) throw new Error(`the server ended with ${server.exitCode}`);
    const response = await fetch(`${url}/readyz`).catch(() => null);
    if (response?.ok) return;
  }
  throw new Error('the server was not ready in time');
}

/** Waits until nothing more is to come of a recording. */
export async function settled(url, id) {
  for (const until = Date.now() + SETTLED_WITHIN_MS; Date.now() < until; await pause(100)) {
    const recording = await api(url, 'GET', `/recordings/${id}`);
    if (recording.status === 'available' || recording.status === 'failed') return recording;
  }
  throw new Error(`${id} did not settle within ${SETTLED_WITHIN_MS} ms`);
}

/** In the page: a camera that flashes and a microphone that beeps at each full second of one clock. */
export function flashAndBeep() {
  const BEEP = 0.12;
  navigator.mediaDevices.getUserMedia = async ({ audio, video } = {}) => {
    const sound = (globalThis.__sound ??= new AudioContext());
    await sound.resume();
    const tracks = [];
    if (audio) {
      const tone = new OscillatorNode(sound, { frequency: 880 });
      const gate = new GainNode(sound, { gain: 0 });
      const out = new MediaStreamAudioDestinationNode(sound);
      tone.connect(gate).connect(out);
      tone.start();
      for (let second = Math.ceil(sound.currentTime) + 1; second < 3600; second += 1) {
        gate.gain.setValueAtTime(0.8, second);
        gate.gain.setValueAtTime(0, second + BEEP);
      }
      tracks.push(...out.stream.getAudioTracks());
    }
    if (video) {
      const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 });
      const draw = canvas.getContext('2d');
      setInterval(() => {
        draw.fillStyle = sound.currentTime % 1 < BEEP ? '#fff' : '#000';
        draw.fillRect(0, 0, canvas.width, canvas.height);
        draw.fillStyle = '#888'; // something moves, so that every picture is worth sending
        draw.fillRect((Date.now() / 10) % 600, 340, 20, 20);
      }, 10);
      tracks.push(...canvas.captureStream(50).getVideoTracks());
    }
    return new MediaStream(tracks);
  };
}

/** What a decoder complains of that reads it from beginning to end. */
export async function complaints(file) {
  const { stderr } = await run('ffmpeg', ['-v', 'error', '-i', file, '-fps_mode', 'passthrough', '-enc_time_base', '-1', '-f', 'null', '-'], LARGE);
  return stderr.trim();
}

/** How large its pictures are, each size once. */
export async function sizes(file) {
  const show = ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=width,height', '-of', 'csv=p=0', file];
  const { stdout } = await run('ffprobe', show, LARGE);
  return [...new Set(stdout.split('\n').filter(Boolean))];
}

/** What ffprobe says of a file. */
export async function probe(file) {
  const show = 'format=duration,start_time:stream=codec_name,codec_type,width,height';
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', show, '-of', 'json', file]);
  return JSON.parse(stdout);
}

/** When each packet is, in seconds. */
export async function packets(file) {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', file], LARGE);
  return stdout.split('\n').map(parseFloat).filter(Number.isFinite);
}

/** Files of a recording while it is written. */
export async function liveFiles(recordings, id) {
  const folder = join(recordings, id, 'live');
  return (await readdir(folder)).map((name) => join(folder, name));
}

/** When it begins to flash, in seconds of the file. */
export async function flashes(file) {
  const args = ['-v', 'error', '-i', file, '-map', '0:v', '-vf', 'scale=1:1,format=gray', '-fps_mode', 'passthrough'];
  const { stdout: light } = await run('ffmpeg', [...args, '-f', 'rawvideo', '-'], { ...LARGE, encoding: 'buffer' });
  const show = ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', file];
  const { stdout } = await run('ffprobe', show, LARGE);
  const times = stdout.split('\n').map(parseFloat).filter(Number.isFinite);
  return times.filter((_, frame) => frame > 0 && light[frame] > 128 && light[frame - 1] <= 128);
}

/** When it begins to beep, in seconds of the file. */
export async function beeps(file) {
  const { format } = await probe(file);
  const args = ['-v', 'error', '-i', file, '-map', '0:a', '-ac', '1', '-ar', String(SAMPLE_RATE), '-af', 'aresample=flags=res:async=1000:min_comp=0.002:min_hard_comp=0.04:first_pts=0'];
  const { stdout } = await run('ffmpeg', [...args, '-f', 's16le', '-'], { ...LARGE, encoding: 'buffer' });
  const begins = [];
  let quiet = SAMPLE_RATE;
  for (let sample = 0; sample * 2 + 1 < stdout.length; sample += 1) {
    const loud = Math.abs(stdout.readInt16LE(sample * 2)) > 4000;
    if (loud && quiet > SAMPLE_RATE / 4) begins.push(parseFloat(format.start_time) + sample / SAMPLE_RATE);
    quiet = loud ? 0 : quiet + 1;
  }
  return begins;
}

function freePort() {
  return new Promise((done) => {
    const hold = createServer().listen(0, '127.0.0.1', () => {
      const { port } = hold.address();
      hold.close(() => done(port));
    });
  });
}
