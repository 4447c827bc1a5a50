/** What is not needed all the time. */
import { t } from '../../i18n/t';
import type { Actions } from '../../state/actions';
import type { MeetingStore } from '../../state/meeting-store';
import { LAYOUTS, prefer, prefs, TRAFFIC } from '../../state/prefs';
import { Menu, MenuItem } from '../Menu/Menu';

export const MORE = 'menu-more';

const LAYOUT_ICONS = { auto: 'auto', grid: 'grid', speaker: 'speaker_view' } as const;
const TRAFFIC_ICONS = { full: 'camera', saver: 'saver', audio: 'speaker' } as const;

export function MoreMenu({ store, actions }: { store: MeetingStore; actions: Actions }) {
  const { layout, traffic } = prefs.value;
  const idle = store.recording.value === 'off';
  return (
    <Menu id={MORE} label={t('control.more')}>
      {store.mayRecord.value && (
        <MenuItem menu={MORE} icon="record" label={t(idle ? 'recording.start' : 'recording.stop')} onClick={actions.record} />
      )}
      {store.mayTranscribe.value && (
        <MenuItem
          menu={MORE}
          icon="captions"
          label={t(store.captions.running.value ? 'captions.stop' : 'captions.start')}
          onClick={actions.transcribe}
        />
      )}
      <p class="menu__heading">{t('layout.title')}</p>
      {LAYOUTS.map((one) => (
        <MenuItem
          key={one}
          menu={MORE}
          icon={LAYOUT_ICONS[one]}
          label={t(`layout.${one}`)}
          pressed={layout === one}
          onClick={() => prefer({ layout: one })}
        />
      ))}
      <p class="menu__heading">{t('traffic.title')}</p>
      {TRAFFIC.map((one) => (
        <MenuItem
          key={one}
          menu={MORE}
          icon={TRAFFIC_ICONS[one]}
          label={t(`traffic.${one}`)}
          pressed={traffic === one}
          onClick={() => prefer({ traffic: one })}
        />
      ))}
      <hr class="menu__line" />
      {(store.captions.running.value || store.captions.lines.value.length > 0) && (
        <MenuItem menu={MORE} icon="transcript" label={t('captions.transcript')} onClick={() => store.show('transcript')} />
      )}
      <MenuItem menu={MORE} icon="figures" label={t('figures.title')} onClick={() => store.show('figures')} />
      <MenuItem menu={MORE} icon="settings" label={t('settings.title')} onClick={() => (store.dialog.value = 'settings')} />
      <MenuItem menu={MORE} icon="keyboard" label={t('shortcuts.title')} onClick={() => (store.dialog.value = 'shortcuts')} />
      {store.self.value?.role === 'host' && (
        <MenuItem menu={MORE} icon="end" tone="danger" label={t('control.end')} onClick={() => (store.dialog.value = 'end')} />
      )}
    </Menu>
  );
}
