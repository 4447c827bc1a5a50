// A server and a browser for one file of tests, and the people in it.
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import { openBrowser } from './browser.mjs';
import { enter, inside } from './meeting.mjs';
import { createRoom, startServer } from './server.mjs';

/** Sets up before the tests of the file, then lets people `gather`, and clears away after the tests. `browser`: as `openBrowser` takes it. */
export function world(gather = async () => {}, start = startServer, browser = {}) {
  const here = { url: '', browser: null };
  let server;
  before(async () => {
    server = await start();
    here.url = server.url;
    here.browser = await openBrowser(browser);
    await gather();
  });
  after(async () => {
    await here.browser?.close();
    await server?.stop();
  });

  return {
    get url() {
      return here.url;
    },
    get server() {
      return server;
    },
    room: (more) => createRoom(here.url, more),
    open: (name, path, options) => here.browser.open(name, here.url + path, options),
    openAt: (name, url, options) => here.browser.open(name, url, options),
    /** Opens the lobby of a room. */
    lobby: (name, room, options) => here.browser.open(name, `${here.url}/meet/${room}`, options),
    /** Opens the lobby of a room and goes in. */
    async join(name, room, options) {
      const person = await here.browser.open(name, `${here.url}/meet/${room}`, options);
      await enter(person);
      await inside(person);
      return person;
    },
    /** No page has logged an error so far, but for those that a test provokes, which are shown. */
    assertNoErrors(...expected) {
      const isExpected = (error) => expected.some((pattern) => pattern.test(error));
      const errors = here.browser.errors.filter((error) => !isExpected(error));
      for (const error of here.browser.errors.filter(isExpected)) console.log(`let through: ${error}`);
      assert.deepEqual(errors, []);
    },
  };
}
