// Whose voice is in which audio slot, by its pitch.
import { HARMONICS, PITCHES } from './people.mjs';
import { until } from './meeting.mjs';

const SAMPLE_MS = 1_600;

/** A voice in a slot stands out from all others by this much. */
const APART_DB = 12;

/** Quieter than this is silence. */
const SILENCE_DB = -55;

/** The voices that somebody hears over a moment, as indices of PITCHES: one for each slot that is not silent. */
function voices({ page }) {
  return page.evaluate(listen, { PITCHES, HARMONICS, SAMPLE_MS, APART_DB, SILENCE_DB });
}

/** Runs in the page. */
async function listen({ PITCHES, HARMONICS, SAMPLE_MS, APART_DB, SILENCE_DB }) {
  const context = (globalThis.__ears ??= new AudioContext());
  const slots = globalThis.__connections
    .at(-1)
    .getTransceivers()
    .filter(({ direction, receiver }) => direction === 'recvonly' && receiver.track.kind === 'audio');
  const ears = slots.map(({ receiver }) => {
    const ear = context.createAnalyser();
    ear.fftSize = 16_384;
    ear.smoothingTimeConstant = 0;
    const source = context.createMediaStreamSource(new MediaStream([receiver.track]));
    source.connect(ear);
    return { ear, source, power: PITCHES.map(() => 0) };
  });
  const end = Date.now() + SAMPLE_MS;
  while (Date.now() < end) {
    await new Promise((done) => setTimeout(done, 200));
    for (const { ear, power } of ears) {
      const spectrum = new Float32Array(ear.frequencyBinCount);
      ear.getFloatFrequencyData(spectrum);
      PITCHES.forEach((pitch, index) => {
        let sum = 0;
        for (let harmonic = 1; harmonic <= HARMONICS; harmonic += 1) {
          const bin = Math.round((pitch * harmonic * ear.fftSize) / context.sampleRate);
          sum += 10 ** (Math.max(...spectrum.subarray(bin - 1, bin + 2)) / 10);
        }
        power[index] = Math.max(power[index], sum);
      });
    }
  }
  for (const { source } of ears) source.disconnect();
  return ears.flatMap(({ power }) => {
    const [loudest, second] = [...power].sort((a, b) => b - a).map((sum) => 10 * Math.log10(sum));
    if (loudest < SILENCE_DB) return [];
    return [loudest - second > APART_DB ? power.indexOf(Math.max(...power)) : 'a mixture'];
  });
}

/** Waits until somebody hears exactly these voices, each in a slot of its own. */
export async function hearsVoices(person, wanted) {
  let last;
  try {
    await until('voices', async () => {
      last = (await voices(person)).sort();
      return JSON.stringify(last) === JSON.stringify([...wanted].sort());
    });
  } catch {
    throw new Error(`${person.name} should hear voices [${wanted}], but hears [${last}]`);
  }
}
