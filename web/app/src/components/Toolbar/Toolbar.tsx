/** What a person can do in a meeting, always in the same place. */
import { canShareScreen } from '@calls/sdk';
import { tn, t } from '../../i18n/t';
import { useShortcuts } from '../../hooks/useShortcuts';
import { actionsOf } from '../../state/actions';
import { localState } from '../../state/devices';
import type { MeetingStore } from '../../state/meeting-store';
import { useState } from 'preact/hooks';
import { EndDialog } from '../EndDialog/EndDialog';
import { ToolButton } from './ToolButton';
import './Toolbar.css';

export function Toolbar({ store }: { store: MeetingStore }) {
  const actions = actionsOf(store);
  const [ending, setEnding] = useState(false);
  const { microphone, camera, screen } = localState.value;
  const hand = store.self.value?.hand ?? false;
  const panel = store.panel.value;
  const unread = store.unread.value;
  const waiting = store.waiting.value.length;
  useShortcuts({
    d: actions.microphone,
    e: actions.camera,
    'alt+h': actions.hand,
    'alt+c': actions.chat,
    'alt+p': actions.people,
  });
  return (
    <div class="toolbar" role="toolbar" aria-label={t('control.toolbar')}>
      <ToolButton
        icon={microphone.on ? 'microphone' : 'microphone-off'}
        label={t('control.microphone')}
        hint={t(microphone.on ? 'control.microphoneOff' : 'control.microphoneOn')}
        pressed={microphone.on}
        look={microphone.on ? 'on' : 'off'}
        shortcut="d"
        onClick={actions.microphone}
      />
      <ToolButton
        icon={camera.on ? 'camera' : 'camera-off'}
        label={t('control.camera')}
        hint={t(camera.on ? 'control.cameraOff' : 'control.cameraOn')}
        pressed={camera.on}
        look={camera.on ? 'on' : 'off'}
        shortcut="e"
        onClick={actions.camera}
      />
      {canShareScreen() && (
        <ToolButton
          icon={screen.on ? 'share-off' : 'share'}
          label={t('control.share')}
          hint={t(screen.on ? 'control.shareStop' : 'control.share')}
          pressed={screen.on}
          look={screen.on ? 'lit' : 'on'}
          onClick={actions.share}
        />
      )}
      <ToolButton
        icon="hand"
        label={t('control.hand')}
        hint={t(hand ? 'control.handDown' : 'control.hand')}
        pressed={hand}
        look={hand ? 'lit' : 'on'}
        shortcut="alt+h"
        onClick={actions.hand}
      />
      <span class="toolbar__gap" />
      <ToolButton
        icon="chat"
        label={t('control.chat')}
        expanded={panel === 'chat'}
        look={panel === 'chat' ? 'lit' : 'on'}
        badge={unread ? { text: String(unread), label: tn('chat.unread', unread) } : undefined}
        shortcut="alt+c"
        onClick={actions.chat}
      />
      <ToolButton
        icon="people"
        label={t('control.people')}
        expanded={panel === 'people'}
        look={panel === 'people' ? 'lit' : 'on'}
        badge={waiting ? { text: String(waiting), label: tn('meeting.waiting', waiting) } : undefined}
        shortcut="alt+p"
        onClick={actions.people}
      />
      <ToolButton icon="leave" label={t('control.leave')} look="leave" onClick={actions.leave} />
      {store.self.value?.role === 'host' && (
        <ToolButton icon="end" label={t('control.end')} hint={t('control.endHint')} look="end" onClick={() => setEnding(true)} />
      )}
      {ending && <EndDialog end={actions.end} closed={() => setEnding(false)} />}
    </div>
  );
}
