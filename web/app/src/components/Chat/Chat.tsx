/** What is said in writing. */
import type { ChatMessage } from '@calls/sdk';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { clock, t } from '../../i18n/t';
import { pieces } from '../../layout/text';
import type { MeetingStore } from '../../state/meeting-store';
import { toast } from '../../state/toasts';
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
      {messages.length === 0 && <p class="chat__empty">{t('chat.empty')}</p>}
      <div class="chat__log" role="log" aria-label={t('chat.title')} tabIndex={0}>
        <ol class="chat__messages">
          {messages.map((message, index) => (
            <Message
              key={message.number}
              message={message}
              own={message.from === store.me.value}
              follows={messages[index - 1]?.from === message.from}
            />
          ))}
        </ol>
        <div ref={end} />
      </div>
      <Composer say={(text) => store.meeting.say(text)} />
    </Panel>
  );
}

interface MessageProps {
  message: ChatMessage;
  own: boolean;
  /** The one before is by the same person, who is not named again. */
  follows: boolean;
}

function Message({ message: { name, text, at, to }, own, follows }: MessageProps) {
  return (
    <li class={own ? 'message message--own' : 'message'}>
      {!follows && (
        <p class="message__head">
          <strong>{own ? t('app.you') : name}</strong>
          <time dateTime={at}>{clock(at)}</time>
          {to != null && <span>{t('chat.private')}</span>}
        </p>
      )}
      <p class="message__text">
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
    </li>
  );
}

function Composer({ say }: { say: (text: string) => Promise<void> }) {
  const [draft, setDraft] = useState('');
  const send = async () => {
    const text = draft.trim();
    if (!text) return;
    setDraft('');
    await say(text).catch(() => {
      setDraft(text);
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
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        class="composer__text"
        rows={Math.min(5, draft.split('\n').length)}
        maxLength={LONGEST}
        value={draft}
        placeholder={t('chat.placeholder')}
        aria-label={t('chat.message')}
        data-autofocus
        onInput={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={pressed}
      />
      <button
        class="composer__send"
        type="submit"
        aria-label={t('chat.send')}
        title={t('chat.send')}
        disabled={!draft.trim()}
      >
        <Icon name="send" size={20} />
      </button>
    </form>
  );
}
