/** Files that are on their way into the chat, and back out of it. */
import { CallsClient, ConnectionLost, ProblemError, type SharedFile } from '@calls/sdk';
import { signal } from '@preact/signals';
import { bytes, has, t } from '../i18n/t';
import { nameOf } from './announce';
import { detailOf } from './detail';
import type { MeetingStore } from './meeting-store';
import { toast } from './toasts';

export interface Upload {
  id: number;
  name: string;
  size: number;
  /** 0 to 1. */
  sent: number;
  cancel: () => void;
}

export class Uploads {
  readonly running = signal<readonly Upload[]>([]);
  readonly #store: MeetingStore;
  #ids = 0;

  constructor(store: MeetingStore) {
    this.#store = store;
  }

  /** Shares files with whoever is written to now. */
  share(files: Iterable<File>): void {
    const { reader, gone } = this.#store.writing;
    const to = reader.value;
    for (const file of files) {
      if (to && gone.value) failed(file.name, t('files.readerGone', { name: nameOf(to) }));
      else void this.#send(file, to?.participant_id ?? null);
    }
  }

  /** Gives up what is on its way: whoever left shares nothing any more. */
  close(): void {
    for (const { cancel } of this.running.value) cancel();
  }

  async #send(file: File, to: string | null): Promise<void> {
    const most = this.#store.meeting.limits?.max_file_bytes ?? 0;
    const { name } = file;
    if (file.size > most) return failed(name, t('files.tooLarge', { most: bytes(most) }));
    if (file.size === 0) return failed(name, t('files.empty'));
    const giveUp = new AbortController();
    const id = (this.#ids += 1);
    this.#add({ id, name, size: file.size, sent: 0, cancel: () => giveUp.abort() });
    try {
      const onProgress = (sent: number) => this.#change(id, sent);
      const options = { onProgress, signal: giveUp.signal, ...(to === null ? {} : { to }) };
      await this.#client().shareFile(this.#call(), file, name, options);
    } catch (error) {
      if (!giveUp.signal.aborted) failed(name, reason(error));
    } finally {
      this.running.value = this.running.value.filter((one) => one.id !== id);
    }
  }

  /** Brings a file here and hands it to the browser, which asks where to put it. */
  async fetch({ file_id, name }: SharedFile): Promise<void> {
    try {
      const url = URL.createObjectURL(await this.#client().fetchFile(this.#call(), file_id));
      const link = document.createElement('a');
      link.href = url;
      link.download = name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000);
    } catch (error) {
      const gone = error instanceof ProblemError && error.status === 404;
      toast(gone ? t('files.gone', { name }) : t('files.notFetched', { name, reason: reason(error) }), { tone: 'bad' });
    }
  }

  /** Takes a file back. */
  async remove({ file_id }: SharedFile): Promise<void> {
    await this.#client().deleteFile(this.#call(), file_id);
  }

  #client(): CallsClient {
    return new CallsClient({ key: this.#store.meeting.pass?.token ?? null });
  }

  #call(): string {
    return this.#store.call.value?.call_id ?? '';
  }

  #add(upload: Upload): void {
    this.running.value = [...this.running.value, upload];
  }

  #change(id: number, sent: number): void {
    this.running.value = this.running.value.map((one) => (one.id === id ? { ...one, sent } : one));
  }
}

function failed(name: string, why: string): void {
  toast(t('files.failed', { name, reason: why }), { tone: 'bad' });
}

function reason(error: unknown): string {
  if (error instanceof ConnectionLost) return t('files.offline');
  const key = error instanceof ProblemError ? `files.refused.${error.code}` : '';
  return has(key) ? t(key) : detailOf(error);
}
