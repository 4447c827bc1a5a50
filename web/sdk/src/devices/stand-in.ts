/** To everybody else a processed track is the device: its settings, its end, and what stopping it does. */
export function standIn(track: MediaStreamTrack, raw: MediaStreamTrack, release: () => void): MediaStreamTrack {
  const stop = track.stop.bind(track);
  track.stop = () => {
    stop();
    raw.stop();
    release();
  };
  track.getSettings = () => raw.getSettings();
  raw.addEventListener('ended', () => {
    track.stop();
    track.dispatchEvent(new Event('ended'));
  });
  return track;
}
