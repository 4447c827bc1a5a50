/** Files in the chat: what is being sent, what was shared, and where more can be dropped. */
import type { SharedFile } from '@calls/sdk';
import { useRef } from 'preact/hooks';
import { bytes, t } from '../../i18n/t';
import { attempt } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { IconButton } from '../Button/Button';
import { Icon } from '../Icon/Icon';
import './Files.css';

/** Opens the browser's picker. */
export function AttachButton({ store }: { store: MeetingStore }) {
  const picker = useRef<HTMLInputElement>(null);
  const picked = (input: HTMLInputElement) => {
    store.uploads.share(input.files ?? []);
    input.value = ''; // so that the same one can be picked again
  };
  return (
    <span class="attach">
      <input ref={picker} type="file" multiple hidden onChange={(event) => picked(event.currentTarget)} />
      <IconButton icon="attach" label={t('files.attach')} onClick={() => picker.current?.click()} />
    </span>
  );
}

/** What is on its way. */
export function Uploading({ store }: { store: MeetingStore }) {
  const uploads = store.uploads.running.value;
  if (uploads.length === 0) return null;
  return (
    <ul class="uploads" aria-label={t('files.sending')}>
      {uploads.map(({ id, name, size, sent, cancel }) => (
        <li key={id} class="upload">
          <span class="upload__name">{name}</span>
          <span class="upload__size">{bytes(size)}</span>
          <progress class="upload__bar" max={1} value={sent} aria-label={t('files.progress', { name })} />
          <IconButton icon="close" label={t('files.cancel', { name })} onClick={cancel} />
        </li>
      ))}
    </ul>
  );
}

/** A file that was shared, as part of a message. */
export function FileCard({ store, file }: { store: MeetingStore; file: SharedFile }) {
  const { name, size_bytes } = file;
  const mayRemove = file.from === store.me.value || store.moderator.value;
  return (
    <div class="file">
      <button
        class="file__get"
        type="button"
        onClick={() => void store.uploads.fetch(file)}
      >
        <Icon name="file" size={22} />
        <span class="visually-hidden">{t('files.download')} </span>
        <span class="file__name" dir="auto">{name}</span>
        <span class="file__size">{bytes(size_bytes)}</span>
      </button>
      {mayRemove && (
        <IconButton icon="trash" label={t('files.remove', { name })} onClick={() => attempt(store.uploads.remove(file))} />
      )}
    </div>
  );
}
