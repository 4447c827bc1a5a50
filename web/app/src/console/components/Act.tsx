/** A button that asks the server for something harmless at once. */
import { Button } from '../../components/Button/Button';
import { useDeed, type Deed } from '../state/deed';

interface ActProps extends Deed {
  label: string;
  /** What the button is about, where several look alike. */
  about?: string;
}

export function Act({ label, about, ...deed }: ActProps) {
  const [busy, doIt] = useDeed(deed);
  return (
    <Button size="small" disabled={busy} label={about && `${label}: ${about}`} onClick={() => void doIt()}>
      {label}
    </Button>
  );
}
