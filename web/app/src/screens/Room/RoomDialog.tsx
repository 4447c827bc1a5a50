/** The one window that is open over the meeting. */
import { EndDialog } from '../../components/EndDialog/EndDialog';
import { Settings } from '../../components/Settings/Settings';
import { ShortcutsDialog } from '../../components/Shortcuts/ShortcutsDialog';
import { actionsOf } from '../../state/actions';
import type { MeetingStore } from '../../state/meeting-store';

export function RoomDialog({ store }: { store: MeetingStore }) {
  const closed = () => (store.dialog.value = null);
  switch (store.dialog.value) {
    case 'settings':
      return <Settings close={closed} />;
    case 'shortcuts':
      return <ShortcutsDialog close={closed} />;
    case 'end':
      return <EndDialog end={actionsOf(store).end} closed={closed} />;
    case null:
      return null;
  }
}
