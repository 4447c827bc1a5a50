// One Chromium, many isolated people: each is a context with cookies and storage of its own.
import { chromium } from 'playwright-core';
import { PITCHES, face, voice } from './people.mjs';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Small enough that two cores draw four of them. */
const VIEWPORT = { width: 640, height: 480 };

/** Whoever was let into a browser by this process, also those who have gone. */
export const everybody = [];

function chromeArgs({ person, mic, share, sound }) {
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection',
    `--use-fake-device-for-media-stream=device-count=1,display-media-type=${share}`,
    `--use-file-for-fake-video-capture=${face(person)}`,
    `--use-file-for-fake-audio-capture=${sound ?? voice(person % PITCHES.length)}`,
  ];
  if (mic === 'grant') args.push('--use-fake-ui-for-media-stream');
  if (mic === 'deny') args.push('--use-fake-ui-for-media-stream=deny');
  return args;
}

/**
 * `person`: which of the made-up people sits in front of it; `mic`: what the permission question is answered; `sound`: a WAV file
 * that the microphone plays; `executable`: another Chromium than the usual.
 */
export async function openBrowser({ person = 0, mic = 'grant', share = 'browser', sound, executable = CHROMIUM } = {}) {
  const args = chromeArgs({ person, mic, share, sound });
  const browser = await chromium.launch({ executablePath: executable, headless: true, args });
  const errors = [];
  return {
    errors,
    /** `relay`: a transport of TURN, which is then the only way that connections find; `prepare`: does what a context needs. */
    async open(name, url, { relay, prepare, ...options } = {}) {
      const context = await browser.newContext({ viewport: VIEWPORT, locale: 'en-US', ...options });
      await context.addInitScript(rememberConnections, relay);
      await context.addInitScript(rememberSockets);
      await context.addInitScript(rememberLongTasks);
      await prepare?.(context);
      const page = await context.newPage();
      page.on('request', (request) => isForeign(request.url(), url) && errors.push(`${name}: asked ${request.url()}`));
      page.on('pageerror', (error) => errors.push(`${name}: ${error.message}`));
      page.on('console', (message) => message.type() === 'error' && errors.push(`${name}: ${message.text()} (${message.location().url})`));
      const person = { name, page, context, close: () => context.close() };
      everybody.push(person);
      await page.goto(url);
      return person;
    },
    close: () => browser.close(),
  };
}

/** Pages ask the server that they come from, and nobody else. */
const isForeign = (asked, page) => /^https?:/.test(asked) && new URL(asked).hostname !== new URL(page).hostname;

/** The page under test is the one that ships: we look at its peer connections from outside, and may wall them in. */
function rememberConnections(relay) {
  const Native = globalThis.RTCPeerConnection;
  const walled = (config) => ({
    ...config,
    iceTransportPolicy: 'relay',
    iceServers: (config?.iceServers ?? []).map((server) => ({
      ...server,
      urls: [server.urls].flat().filter((url) => url.endsWith(`?transport=${relay}`)),
    })),
  });
  globalThis.__connections = [];
  globalThis.RTCPeerConnection = class extends Native {
    constructor(config, ...more) {
      super(relay ? walled(config) : config, ...more);
      globalThis.__connections.push(this);
    }
  };
}

/** What a server says can be said to a page without one that has cause to say it. */
function rememberSockets() {
  const Native = globalThis.WebSocket;
  globalThis.__sockets = [];
  globalThis.WebSocket = class extends Native {
    constructor(...args) {
      super(...args);
      globalThis.__sockets.push(this);
    }
  };
}

/** What kept a page from answering for more than 50 ms (Long Tasks, W3C). */
function rememberLongTasks() {
  globalThis.__longTasks = [];
  new PerformanceObserver((list) => {
    for (const { duration, startTime } of list.getEntries()) globalThis.__longTasks.push({ duration, startTime });
  }).observe({ type: 'longtask', buffered: true });
}
