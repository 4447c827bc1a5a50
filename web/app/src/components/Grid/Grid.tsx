/** Everybody side by side, as large as the window allows. */
import { useRef, useState } from 'preact/hooks';
import { useSize } from '../../hooks/useSize';
import { t } from '../../i18n/t';
import { gridLayout } from '../../layout/grid';
import { page } from '../../layout/order';
import { PER_PAGE, type MeetingStore } from '../../state/meeting-store';
import { IconButton } from '../Button/Button';
import { InviteCard } from '../InviteCard/InviteCard';
import { ScreenTile } from '../Stage/Screen';
import { Tile } from '../Tile/Tile';
import './Grid.css';

const GAP = 12;

export function Grid({ store }: { store: MeetingStore }) {
  const ref = useRef<HTMLDivElement>(null);
  const size = useSize(ref);
  const [wanted, setWanted] = useState(0);
  const seated = store.tiles.value;
  const { items, page: at, pages } = page(seated, wanted, PER_PAGE);
  const alone = store.members.value.length === 1;
  const screens = at === 0 ? store.presenters.value : [];
  const cells = items.length + screens.length + (alone ? 1 : 0);
  const layout = gridLayout(cells, size.width, size.height, GAP);
  const style = {
    '--columns': String(layout.columns),
    '--tile-width': `${layout.width}px`,
    '--tile-height': `${layout.height}px`,
  };
  return (
    <div class="grid">
      <div class="grid__area" ref={ref}>
        <div class="grid__tiles" style={style}>
          {screens.map((member) => (
            <ScreenTile key={`${member.participant_id}/screen`} store={store} presenter={member} />
          ))}
          {items.map((member) => (
            <Tile key={member.participant_id} store={store} member={member} />
          ))}
          {alone && <InviteCard />}
        </div>
      </div>
      {pages > 1 && <Pager at={at} pages={pages} turn={setWanted} />}
    </div>
  );
}

interface PagerProps {
  at: number;
  pages: number;
  turn: (page: number) => void;
}

function Pager({ at, pages, turn }: PagerProps) {
  return (
    <nav class="grid__pager">
      <IconButton icon="before" label={t('meeting.pageBefore')} onClick={() => turn(Math.max(0, at - 1))} />
      <span>{t('meeting.pageOf', { page: at + 1, pages })}</span>
      <IconButton icon="next" label={t('meeting.pageNext')} onClick={() => turn(Math.min(pages - 1, at + 1))} />
    </nav>
  );
}
