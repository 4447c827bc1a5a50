/** Takes files that are dragged over the meeting, and says with whom they will be shared. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../../i18n/t';
import { nameOf } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { Icon } from '../Icon/Icon';
import './Files.css';

const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes('Files') ?? false;

export function DropZone({ store, className, children }: { store: MeetingStore; className: string; children: ComponentChildren }) {
  const [over, setOver] = useState(false);
  const drag = (event: DragEvent) => {
    if (!hasFiles(event)) return;
    event.preventDefault(); // else the browser would leave the meeting and show the file
    const may = store.mayShareFiles.value;
    if (event.dataTransfer) event.dataTransfer.dropEffect = may ? 'copy' : 'none';
    setOver(may);
  };
  const leave = (event: DragEvent) => {
    const to = event.relatedTarget;
    if (!(to instanceof Node && event.currentTarget instanceof Node && event.currentTarget.contains(to))) setOver(false);
  };
  const drop = (event: DragEvent) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    setOver(false);
    if (!store.mayShareFiles.value || !event.dataTransfer) return;
    store.show('chat');
    store.uploads.share(event.dataTransfer.files);
  };
  return (
    <div class={className} onDragOver={drag} onDragLeave={leave} onDrop={drop}>
      {children}
      {over && (
        <p class="drop">
          <Icon name="attach" size={32} />
          {dropText(store)}
        </p>
      )}
    </div>
  );
}

function dropText(store: MeetingStore): string {
  const to = store.writing.reader.value;
  return to ? t('files.dropFor', { name: nameOf(to) }) : t('files.drop');
}
