/** True once something has been true for a while, false at once when it no longer is. */
import { useEffect, useState } from 'preact/hooks';

export function useLate(now: boolean, afterMs: number): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!now) return setLate(false);
    const timer = setTimeout(() => setLate(true), afterMs);
    return () => clearTimeout(timer);
  }, [now, afterMs]);
  return now && late;
}
