/** What happened in a call, in its order: who came and went, what they switched on, which layers they got, and where a connection was bad. */
import type { Call, QualitySample } from '@calls/sdk';
import { elapsed } from '../../layout/text';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Table } from '../components/Table';
import type { Asked } from '../state/ask';
import { timeOfDay } from '../state/format';
import type { Grown } from '../state/growing';
import { layers } from '../state/layers';
import { namesIn, spells, tell, type Entry, type Happened } from '../state/timeline';
import { t } from '../words/t';

interface CallTimelineProps {
  call: Call;
  happened: Asked<Grown<Happened>>;
  sampled: Asked<Grown<QualitySample>>;
}

export function CallTimeline({ call, happened, sampled }: CallTimelineProps) {
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
