/** Two notes through a speaker of one's choice, so that a person hears whether it works. */

/** Hz and seconds; an octave apart, so that small speakers play at least one of them well. */
const NOTES = [
  { hertz: 440, at: 0 },
  { hertz: 880, at: 0.35 },
];
const NOTE_SECONDS = 0.3;
const LOUD = 0.2;

/** Resolves when it is over. `speaker`: a device id, or empty for the default one. */
export async function testTone(speaker = ''): Promise<void> {
  const context = new AudioContext();
  const out = context.createMediaStreamDestination();
  for (const { hertz, at } of NOTES) {
    const note = context.createOscillator();
    const volume = context.createGain();
    const start = context.currentTime + 0.05 + at;
    note.frequency.value = hertz;
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(LOUD, start + 0.03); // no click
    volume.gain.linearRampToValueAtTime(0, start + NOTE_SECONDS);
    note.connect(volume).connect(out);
    note.start(start);
    note.stop(start + NOTE_SECONDS);
  }
  const audio = new Audio();
  audio.srcObject = out.stream;
  try {
    // Where a page may not choose, the default speaker is what will be heard later, too.
    if (speaker && 'setSinkId' in audio) await audio.setSinkId(speaker).catch(() => undefined);
    await audio.play();
    await new Promise((done) => setTimeout(done, 900));
  } finally {
    audio.srcObject = null;
    await context.close();
  }
}
