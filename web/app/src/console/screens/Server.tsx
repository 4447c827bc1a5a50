/** How the server itself does. */
import { useEffect, useState } from 'preact/hooks';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Chart } from '../components/Chart';
import { Facts } from '../components/Facts';
import { Table } from '../components/Table';
import { useAsk } from '../state/ask';
import { bytes } from '../state/format';
import { parse, total, type Sample } from '../state/prometheus';
import { t } from '../words/t';

const EVERY_MS = 3000;
/** Ten minutes of points. */
const KEPT = 200;

interface Readiness {
  database: boolean;
  media: boolean;
  draining: boolean;
  late: string[];
}

/** A moment's counters. */
interface Moment {
  at: number;
  samples: Sample[];
}

async function ready(): Promise<Readiness> {
  return (await (await fetch('/readyz')).json()) as Readiness; // 503 has the same body
}

async function counters(): Promise<Moment> {
  const reply = await fetch('/metrics');
  if (!reply.ok) throw new Error(t('server.noMetrics'));
  return { at: Date.now(), samples: parse(await reply.text()) };
}

export function Server() {
  const health = useAsk(ready, [], EVERY_MS);
  const now = useAsk(counters, [], EVERY_MS);
  const [past, setPast] = useState<Moment[]>([]);
  useEffect(() => {
    const { value } = now;
    if (value) setPast((known) => [...known, value].slice(-KEPT));
  }, [now.value]);
  return (
    <>
      <h1>{t('server.title')}</h1>
      <Answer of={health}>{(known) => <Health of={known} />}</Answer>
      <Answer of={now}>{(moment) => <Figures of={moment} past={past} />}</Answer>
    </>
  );
}

function Health({ of }: { of: Readiness }) {
  const state = (good: boolean) => <Badge tone={good ? 'good' : 'bad'}>{t(good ? 'server.good' : 'server.bad')}</Badge>;
  return (
    <Facts
      of={[
        [t('server.database'), state(of.database)],
        [t('server.media'), state(of.media)],
        [t('server.draining'), of.draining ? t('value.yes') : t('value.no')],
        [t('server.late'), of.late.length > 0 ? of.late.join(', ') : t('value.none')],
      ]}
    />
  );
}

function Figures({ of: { samples }, past }: { of: Moment; past: Moment[] }) {
  const level = (name: string) => past.map(({ at, samples }) => ({ at, value: total(samples, name) }));
  const known = samples.filter(({ name }) => /^(calls|process)_/.test(name) && !/_bucket$/.test(name));
  return (
    <>
      <Facts of={[[t('server.memory'), bytes(total(samples, 'process_resident_memory_bytes') ?? 0)]]} />
      <div class="charts">
        <Chart title={t('server.received')} unit={t('unit.perSecond')} series={[{ name: t('server.all'), points: rate(past, 'calls_udp_received_datagrams_total') }]} />
        <Chart title={t('server.sent')} unit={t('unit.perSecond')} series={[{ name: t('server.all'), points: rate(past, 'calls_udp_sent_datagrams_total') }]} />
        <Chart title={t('server.sockets')} unit={t('unit.count')} series={[{ name: t('server.all'), points: level('calls_signaling_sockets') }]} />
      </div>
      <h2>{t('server.metrics')}</h2>
      <Table
        caption={t('server.metrics')}
        columns={[
          { head: t('server.metric'), cell: ({ name }: Sample) => <code>{name}</code> },
          { head: t('server.labels'), cell: ({ labels }) => Object.entries(labels).map((pair) => pair.join('=')).join(', ') },
          { head: t('server.value'), cell: ({ value }) => value, figures: true },
        ]}
        rows={known}
        keyOf={({ name, labels }) => name + JSON.stringify(labels)}
        empty={t('server.noMetrics')}
      />
    </>
  );
}

/** What a counter gained each second, from one moment to the next. */
function rate(past: readonly Moment[], name: string) {
  return past.slice(1).map((moment, index) => {
    const before = past[index];
    const [then, now] = [before && total(before.samples, name), total(moment.samples, name)];
    const seconds = before ? (moment.at - before.at) / 1000 : 0;
    const known = typeof then === 'number' && now !== null && seconds > 0;
    return { at: moment.at, value: known ? Math.max(0, now - then) / seconds : null };
  });
}
