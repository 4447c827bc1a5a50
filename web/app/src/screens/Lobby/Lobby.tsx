/** Before going in: picture, sound, name, and whatever the door asks for. */
import { useEffect, useState } from 'preact/hooks';
import { Brand } from '../../components/Brand/Brand';
import { Button } from '../../components/Button/Button';
import { DeviceHelp } from '../../components/DeviceHelp/DeviceHelp';
import { DevicePicker } from '../../components/DevicePicker/DevicePicker';
import { Field } from '../../components/Field/Field';
import { LanguagePicker } from '../../components/LanguagePicker/LanguagePicker';
import { Notice } from '../../components/Notice/Notice';
import { SelfPreview } from '../../components/SelfPreview/SelfPreview';
import { BackgroundChoice } from '../../components/Settings/BackgroundChoice';
import { t, tn } from '../../i18n/t';
import { rememberedName } from '../../state/memory';
import type { Visit } from '../../state/visit';
import './Lobby.css';

/** As long as the server takes a display name. */
const LONGEST_NAME = 64;

export function Lobby({ visit }: { visit: Visit }) {
  const [name, setName] = useState(rememberedName);
  const [password, setPassword] = useState('');
  const [nameless, setNameless] = useState(false);
  useEffect(() => visit.prepare(), [visit]);
  useEffect(() => visit.watch(), [visit]);

  const room = visit.room.value;
  const refusal = visit.refusal.value;
  const joining = visit.joining.value;
  const join = (event: Event) => {
    event.preventDefault();
    const missing = visit.asksName && name.trim() === '';
    setNameless(missing);
    if (!missing) void visit.join(name.trim(), password);
  };

  return (
    <div class="lobby">
      <header class="lobby__top">
        <Brand />
        <LanguagePicker />
      </header>
      <main class="lobby__main">
        <div class="lobby__picture">
          <SelfPreview name={name} />
          <DeviceHelp>{t('device.canJoin')}</DeviceHelp>
        </div>
        <form class="lobby__form" onSubmit={join}>
          <div>
            <h1 class="lobby__title">{room ? t('lobby.titleRoom', { room: room.name }) : t('lobby.title')}</h1>
            {room && <Presence count={room.current_participants} />}
          </div>
          <Notices visit={visit} />
          {visit.asksName && (
            <Field
              label={t('lobby.name')}
              value={name}
              placeholder={t('lobby.namePlaceholder')}
              maxLength={LONGEST_NAME}
              autoComplete="name"
              autoFocus
              onInput={setName}
              error={nameless ? t('lobby.nameMissing') : undefined}
            />
          )}
          {!visit.asksName && <p class="lobby__presence">{t('lobby.invited')}</p>}
          {visit.asksPassword && (
            <Field
              label={t('lobby.password')}
              type="password"
              value={password}
              maxLength={128}
              onInput={setPassword}
              error={refusal?.password ? refusal.text : undefined}
            />
          )}
          <DevicePicker />
          <BackgroundChoice />
          {!visit.lacksSecret && <Notice icon="lock" tone="plain" text={t(visit.secret ? 'e2ee.notice' : 'lobby.encrypted')} />}
          {refusal && !refusal.password && (
            <p class="lobby__refusal" role="alert">
              {refusal.text}
            </p>
          )}
          <div class="lobby__join">
            <Button look="primary" type="submit" disabled={joining || visit.lacksSecret}>
              {t(joining ? 'lobby.joining' : 'lobby.join')}
            </Button>
          </div>
          <p class="lobby__privacy">{t('lobby.privacy')}</p>
        </form>
      </main>
    </div>
  );
}

/** What one should know before anything else: what becomes of one's voice and picture inside. Heard anew when it changes. */
function Notices({ visit }: { visit: Visit }) {
  const room = visit.room.value;
  return (
    <div class="lobby__notices" role="status">
      {room?.recording && <Notice icon="record" tone="warn" text={t('lobby.recorded')} />}
      {room?.transcription && <Notice icon="transcript" tone="warn" text={t('lobby.transcribed')} />}
      {visit.lacksSecret && <Notice icon="warning" tone="warn" text={t('e2ee.noSecret')} />}
    </div>
  );
}

function Presence({ count }: { count: number }) {
  return <p class="lobby__presence">{count > 0 ? tn('lobby.inside', count) : t('lobby.alone')}</p>;
}
