/** A moving picture: shown from its first frame on, so that nobody looks at a black hole. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useStill } from '../../hooks/useStill';
import './Video.css';

interface VideoProps {
  track: MediaStreamTrack;
  mirrored?: boolean;
  /** The whole picture with bars, rather than a filled tile. */
  whole?: boolean;
  /** Hears what its width is of its height, whenever that changes. */
  shaped?: ((aspect: number) => void) | undefined;
  /** Hears whether no picture has come for some seconds. */
  still?: ((still: boolean) => void) | undefined;
}

export function Video({ track, mirrored = false, whole = false, shaped, still }: VideoProps) {
  const ref = useRef<HTMLVideoElement>(null);
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const video = ref.current;
    if (!video) return;
    video.srcObject = new MediaStream([track]);
    return () => (video.srcObject = null);
  }, [track]);
  useStill(ref, track, still);
  const classes = ['video', mirrored && 'video--mirrored', whole && 'video--whole', shown && 'video--shown'];
  return (
    <video
      ref={ref}
      class={classes.filter(Boolean).join(' ')}
      autoplay
      playsInline
      muted
      tabIndex={-1}
      aria-hidden="true"
      onLoadedData={() => setShown(true)}
      onEmptied={() => setShown(false)}
      onResize={({ currentTarget: { videoWidth, videoHeight } }) => videoHeight && shaped?.(videoWidth / videoHeight)}
    />
  );
}
