/** What is said in writing. */
import type { ChatMessage } from '@calls/sdk';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';
import { clock, t } from '../../i18n/t';
import { goesOn, pieces } from '../../layout/text';
import { nameOf } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { toast } from '../../state/toasts';
import { AttachButton, FileCard, Uploading } from '../Files/Files';
import { Icon } from '../Icon/Icon';
import { Panel } from '../Panel/Panel';
import './Chat.css';

const LONGEST = 4000;

export function Chat({ store }: { store: MeetingStore }) {
  const end = useRef<HTMLDivElement>(null);
  const messages = store.messages.value;
  useLayoutEffect(() => end.current?.scrollIntoView({ block: 'end' }), [messages.length]);
  return (
    <Panel title={t('chat.title')} close={() => store.show(null)}>
      {!store.mayWrite.value && <p class="chat__empty">{t('chat.off')}</p>}
      {messages.length === 0 && <p class="chat__empty">{t('chat.empty')}</p>}
      <div class="chat__log" role="log" aria-label={t('chat.title')} tabIndex={0}>
        <ol class="chat__messages">
          {messages.map((message, index) => (
            <Message
              key={message.number}
              store={store}
              message={message}
              own={message.from === store.me.value}
              to={message.to ? nameIn(store, message.to) : null}
              follows={goesOn(messages[index - 1], message)}
            />
          ))}
        </ol>
        <div ref={end} />
      </div>
      {store.meeting.encrypted && <p class="chat__empty">{t('files.encrypted')}</p>}
      <Uploading store={store} />
      {store.mayWrite.value && <Composer store={store} />}
    </Panel>
  );
}

interface MessageProps {
  store: MeetingStore;
  message: ChatMessage;
  own: boolean;
  /** Whom alone it is for. */
  to: string | null;
  /** The one before is by the same person, who is not named again. */
  follows: boolean;
}

/** A name that is still known, of somebody who may be gone. */
function nameIn(store: MeetingStore, id: string): string {
  if (id === store.me.value) return t('app.you');
  const member = store.members.value.find(({ participant_id }) => participant_id === id);
  return member ? nameOf(member) : t('chat.somebody');
}

/** From now on what is written goes to this person alone, as their words came. */
function ReplyButton({ store, from, label }: { store: MeetingStore; from: string; label: string }) {
  if (!store.mayWrite.value || !store.members.value.some(({ participant_id }) => participant_id === from)) return null;
  const reply = () => {
    store.writing.to(from);
    document.querySelector<HTMLElement>('.composer__text')?.focus();
  };
  return (
    <button class="message__reply" type="button" onClick={reply}>
      {label}
    </button>
  );
}

function Message({ store, message: { from, name, text, at, file }, own, to, follows }: MessageProps) {
  return (
    <li class={own ? 'message message--own' : 'message'}>
      {!follows && (
        <p class="message__head">
          <strong dir="auto">{own ? t('app.you') : name}</strong>
          <time dateTime={at}>{clock(at)}</time>
          {to !== null && <span class="message__private">{own ? t('chat.privateTo', { name: to }) : t('chat.private')}</span>}
          {to !== null && !own && <ReplyButton store={store} from={from} label={t('chat.reply')} />}
        </p>
      )}
      {file ? <FileCard store={store} file={file} /> : <Words text={text} />}
    </li>
  );
}

function Words({ text }: { text: string }) {
  return (
    <p class="message__text" dir="auto">
      {pieces(text).map((piece, index) =>
        piece.href ? (
          <a key={index} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        ) : (
          piece.text
        ),
      )}
    </p>
  );
}

/** To everybody, as long as nobody is chosen. */
const EVERYBODY = '';

function Composer({ store }: { store: MeetingStore }) {
  const { writing } = store;
  const draft = writing.draft.value;
  const reader = writing.reader.value;
  const gone = writing.gone.value;
  const note = useId();
  const others = store.members.value.filter(({ participant_id }) => participant_id !== store.me.value);
  const send = async () => {
    const text = draft.trim();
    if (!text || gone) return;
    writing.draft.value = '';
    await store.meeting.say(text, ...(reader ? [reader.participant_id] : [])).catch(() => {
      writing.putBack(text, reader);
      toast(t('chat.failed'), { tone: 'bad' });
    });
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <form
      class={reader ? 'composer composer--private' : 'composer'}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <ReaderNote id={note} store={store} />
      {reader && <Icon name="lock" size={14} />}
      <select
        class="composer__to"
        aria-label={t('chat.to')}
        value={reader?.participant_id ?? EVERYBODY}
        onChange={(event) => writing.to(event.currentTarget.value || null)}
      >
        <option value={EVERYBODY}>{t('chat.everybody')}</option>
        {[...others, ...(reader && gone ? [reader] : [])].map((member) => (
          <option key={member.participant_id} value={member.participant_id}>
            {t('chat.only', { name: nameOf(member) })}
          </option>
        ))}
      </select>
      {store.mayShareFiles.value && <AttachButton store={store} />}
      <textarea
        class="composer__text"
        rows={Math.min(5, draft.split('\n').length)}
        maxLength={LONGEST}
        value={draft}
        placeholder={t(reader ? 'chat.placeholderPrivate' : 'chat.placeholder')}
        aria-label={t('chat.message')}
        aria-describedby={note}
        data-autofocus
        onInput={(event) => (writing.draft.value = event.currentTarget.value)}
        onKeyDown={pressed}
      />
      <button
        class="composer__send"
        type="submit"
        aria-label={t('chat.send')}
        title={t('chat.send')}
        disabled={gone || !draft.trim()}
      >
        <Icon name="send" size={20} />
      </button>
    </form>
  );
}

/** That who was to read it has left, or that an answer to a private word would go to everybody. */
function ReaderNote({ id, store: { writing, messages, me }, store }: { id: string; store: MeetingStore }) {
  const reader = writing.reader.value;
  const whispered = writing.whispered(messages.value.at(-1), me.value);
  return (
    <p class="composer__note" id={id} role="status">
      {reader && writing.gone.value && t('chat.readerGone', { name: nameOf(reader) })}
      {whispered && (
        <>
          {t('chat.goesToAll')}{' '}
          <ReplyButton store={store} from={whispered.participant_id} label={t('chat.only', { name: nameOf(whispered) })} />
        </>
      )}
    </p>
  );
}
