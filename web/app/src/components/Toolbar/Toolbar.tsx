/** What a person can do in a meeting, always in the same place. */
import { canShareScreen } from '@calls/sdk';
import { tn, t } from '../../i18n/t';
import { useShortcuts } from '../../hooks/useShortcuts';
import { actionsOf } from '../../state/actions';
import { localState } from '../../state/devices';
import type { MeetingStore } from '../../state/meeting-store';
import { prefs } from '../../state/prefs';
import { KEYS } from '../../state/keys';
import { MORE, MoreMenu } from './MoreMenu';
import { REACT, ReactionMenu } from './ReactionMenu';
import { ToolButton } from './ToolButton';
import './Toolbar.css';

export function Toolbar({ store }: { store: MeetingStore }) {
  const actions = actionsOf(store);
  const { microphone, camera, screen } = localState.value;
  const hand = store.self.value?.hand ?? false;
  const panel = store.panel.value;
  const unread = store.unread.value;
  const waiting = store.waiting.value.length;
  useShortcuts(prefs.value.shortcuts, {
    [KEYS.microphone]: actions.microphone,
    [KEYS.camera]: actions.camera,
    [KEYS.hand]: actions.hand,
    [KEYS.chat]: actions.chat,
    [KEYS.people]: actions.people,
    [KEYS.shortcuts]: actions.shortcuts,
  });
  return (
    <div class="toolbar" role="toolbar" aria-label={t('control.toolbar')}>
      <ToolButton
        icon={microphone.on ? 'microphone' : 'microphone-off'}
        label={t('control.microphone')}
        hint={t(microphone.on ? 'control.microphoneOff' : 'control.microphoneOn')}
        pressed={microphone.on}
        look={microphone.on ? 'on' : 'off'}
        shortcut={KEYS.microphone}
        onClick={actions.microphone}
      />
      <ToolButton
        icon={camera.on ? 'camera' : 'camera-off'}
        label={t('control.camera')}
        hint={t(camera.on ? 'control.cameraOff' : 'control.cameraOn')}
        pressed={camera.on}
        look={camera.on ? 'on' : 'off'}
        shortcut={KEYS.camera}
        onClick={actions.camera}
      />
      {canShareScreen() && (
        <ToolButton
          icon={screen.on ? 'share-off' : 'share'}
          label={t(screen.on ? 'control.shareStop' : 'control.share')}
          hint={screen.on || store.mayShare.value ? undefined : t('control.shareOff')}
          look={screen.on ? 'lit' : 'on'}
          disabled={!screen.on && !store.mayShare.value}
          onClick={actions.share}
        />
      )}
      <ToolButton
        icon="hand"
        label={t(hand ? 'control.handDown' : 'control.hand')}
        look={hand ? 'lit' : 'on'}
        shortcut={KEYS.hand}
        onClick={actions.hand}
      />
      <ToolButton icon="smile" label={t('control.react')} look="on" menu={REACT} />
      {store.captions.running.value && (
        <ToolButton
          icon="captions"
          label={t('control.captions')}
          hint={t(prefs.value.captions ? 'control.captionsOff' : 'control.captionsOn')}
          pressed={prefs.value.captions}
          look={prefs.value.captions ? 'lit' : 'on'}
          onClick={actions.captions}
        />
      )}
      <span class="toolbar__gap" />
      <ToolButton
        icon="chat"
        label={t('control.chat')}
        expanded={panel === 'chat'}
        look={panel === 'chat' ? 'lit' : 'on'}
        badge={unread ? { text: String(unread), label: tn('chat.unread', unread) } : undefined}
        shortcut={KEYS.chat}
        onClick={actions.chat}
      />
      <ToolButton
        icon="people"
        label={t('control.people')}
        expanded={panel === 'people'}
        look={panel === 'people' ? 'lit' : 'on'}
        badge={waiting ? { text: String(waiting), label: tn('meeting.waiting', waiting) } : undefined}
        shortcut={KEYS.people}
        onClick={actions.people}
      />
      <ToolButton icon="more" label={t('control.more')} look="on" menu={MORE} />
      <ToolButton icon="leave" label={t('control.leave')} look="leave" onClick={actions.leave} />
      <MoreMenu store={store} actions={actions} />
      <ReactionMenu store={store} />
    </div>
  );
}
