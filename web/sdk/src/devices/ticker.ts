/** Beats in a worker of its own: a tab that is not looked at slows down the timers of its page, not these. */
const EVERY_MS = 50;

setInterval(() => postMessage(null), EVERY_MS);
