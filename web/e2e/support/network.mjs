// A network of one's own that can be cut: what a person's browser says to the server goes through it, media too. While it is cut
// nothing arrives and nothing is refused, as when a cable is pulled.
import dgram from 'node:dgram';
import net from 'node:net';

const HERE = '127.0.0.1';

/** Leads to the server at `url`; open pages with `page.url`, in a context that `join` has prepared. */
export async function network(url) {
  const { hostname, port } = new URL(url);
  const state = { cut: false };
  const lines = new Set();
  const closers = [];

  const front = net.createServer((client) => {
    const server = net.connect(Number(port), hostname);
    for (const [from, to] of [[client, server], [server, client]]) {
      lines.add(from);
      from.on('data', (bytes) => to.write(bytes));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        lines.delete(from);
        to.end();
      });
      if (state.cut) from.pause();
    }
  });
  const frontPort = await new Promise((done) => front.listen(0, HERE, () => done(front.address().port)));
  closers.push(() => front.close());

  const routes = new Map();
  const route = (serverPort) => {
    if (!routes.has(serverPort)) routes.set(serverPort, openRoute(serverPort, state, closers));
    return routes.get(serverPort);
  };

  return {
    url: `http://${HERE}:${frontPort}`,
    async prepare(context) {
      await context.exposeFunction('__route', route);
      await context.addInitScript(takeRoutes);
    },
    cut() {
      state.cut = true;
      for (const line of lines) line.pause();
    },
    mend() {
      state.cut = false;
      for (const line of lines) line.resume();
    },
    close() {
      for (const line of lines) line.destroy();
      for (const close of closers) close();
    },
  };
}

/** A UDP port that stands for one of the server's; returns its number. */
function openRoute(serverPort, state, closers) {
  const front = dgram.createSocket('udp4');
  const backs = new Map();
  front.on('message', (packet, from) => {
    if (state.cut) return;
    const key = from.port;
    if (!backs.has(key)) {
      const back = dgram.createSocket('udp4');
      back.on('message', (answer) => state.cut || front.send(answer, from.port, from.address));
      backs.set(key, back);
      closers.push(() => back.close());
    }
    backs.get(key).send(packet, serverPort, HERE);
  });
  closers.push(() => front.close());
  return new Promise((done) => front.bind(0, HERE, () => done(front.address().port)));
}

/** Runs in the page: the server's UDP candidates lead through the network, and there is no other way. */
function takeRoutes() {
  const Native = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Native {
    constructor(config, ...more) {
      super({ ...config, iceServers: [] }, ...more);
    }

    async setRemoteDescription(description) {
      const lines = [];
      for (const line of description.sdp.split('\r\n')) {
        const candidate = /^(a=candidate:\S+ \d+ )(\S+)( \d+ \S+ )(\d+)( .*)$/.exec(line);
        if (!candidate) lines.push(line);
        else if (candidate[2].toLowerCase() === 'udp') {
          const [, head, protocol, middle, port, tail] = candidate;
          lines.push(head + protocol + middle + (await globalThis.__route(Number(port))) + tail);
        }
      }
      return super.setRemoteDescription({ type: description.type, sdp: lines.join('\r\n') });
    }
  };
}
