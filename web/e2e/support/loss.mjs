// A bad network: an address of its own on this machine that passes on to the media port, but for what it loses.
import { createSocket } from 'node:dgram';

/** Where the server is, and where it is believed to be. */
export const SERVER = '127.0.0.3';
const ADDRESS = '127.0.0.2';

/** Passes what comes to `port` at another address on to the server's own, and answers back. */
export async function lossyNetwork(port, loss) {
  const paths = new Map();
  const counts = { passed: 0, lost: 0 };
  const pass = (send) => {
    if (Math.random() < loss) {
      counts.lost += 1;
      return;
    }
    counts.passed += 1;
    send();
  };
  const front = createSocket('udp4');
  front.on('message', (datagram, client) => {
    const key = `${client.address}:${client.port}`;
    if (!paths.has(key)) {
      const back = createSocket('udp4');
      back.on('message', (answer) => pass(() => front.send(answer, client.port, client.address)));
      paths.set(key, back);
    }
    pass(() => paths.get(key).send(datagram, port, SERVER));
  });
  await new Promise((done) => front.bind(port, ADDRESS, done));
  return {
    address: ADDRESS,
    counts,
    close() {
      front.close();
      for (const back of paths.values()) back.close();
    },
  };
}
