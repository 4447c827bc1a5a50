/** What happened in a call, in its order: who came and went, what they switched on, which layers they got, and where a connection was bad. */
import type { Call } from '@calls/sdk';
import { useMemo } from 'preact/hooks';
import { elapsed } from '../../layout/text';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Table } from '../components/Table';
import { useAsk, type Asked } from '../state/ask';
import { timeOfDay } from '../state/format';
import type { Grown } from '../state/growing';
import { layers } from '../state/layers';
import { samplesOf } from '../state/samples';
import { namesIn, spells, tell, type Entry, type Happened } from '../state/timeline';
import { t } from '../words/t';

const LIVE_MS = 5000;
/** The rest of a long call, page by page. */
const REST_MS = 100;

interface CallTimelineProps {
  call: Call;
  happened: Asked<Grown<Happened>>;
}

export function CallTimeline({ call, happened }: CallTimelineProps) {
  const ask = useMemo(() => samplesOf(call.call_id), [call.call_id]);
  const live = call.status === 'ended' ? undefined : LIVE_MS;
  const sampled = useAsk(ask, [call.call_id, call.status], (last) => (last && !last.complete ? REST_MS : live));
  const value = happened.value && sampled.value && { events: happened.value.rows, samples: sampled.value.rows };
  return (
    <>
      <h2>{t('timeline.title')}</h2>
      <Answer of={{ value, error: happened.error ?? sampled.error }}>
        {({ events, samples }) => {
          const names = namesIn(events);
          const name = (id: string) => names.get(id) ?? t('timeline.somebody');
          const entries = [...tell(events, name), ...spells(samples, name), ...layers(samples, name)].sort((a, b) => a.at - b.at);
          return (
            <Table
              caption={t('timeline.title')}
              columns={[
                { head: t('timeline.at'), cell: ({ at }: Entry) => timeOfDay(at), figures: true },
                { head: t('timeline.since'), cell: ({ at }) => since(call, at), figures: true },
                { head: t('timeline.about'), cell: ({ about, tone }) => <Badge tone={tone}>{t(`timeline.${about}`)}</Badge> },
                { head: t('timeline.what'), cell: ({ text }) => text },
              ]}
              rows={entries}
              keyOf={({ key }) => key}
              empty={t('timeline.empty')}
              log
            />
          );
        }}
      </Answer>
    </>
  );
}

/** How long after the call was answered. */
function since({ started_at }: Call, at: number): string {
  if (!started_at) return t('value.none');
  const seconds = Math.round((at - Date.parse(started_at)) / 1000);
  return seconds < 0 ? t('value.none') : elapsed(seconds);
}
