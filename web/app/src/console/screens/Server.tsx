/** How the server itself does. */
import { useEffect, useState } from 'preact/hooks';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Chart } from '../components/Chart';
import { Facts } from '../components/Facts';
import { Table } from '../components/Table';
import { useAsk } from '../state/ask';
import { listed, pointsOf, read, SUBJECTS, type Moment, type Subject } from '../state/health';
import { parse, type Sample } from '../state/prometheus';
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
  const known = listed(samples);
  return (
    <>
      {SUBJECTS.map((subject) => (
        <About key={subject.title} subject={subject} samples={samples} past={past} />
      ))}
      <details class="console__rest">
        <summary>{t('server.metrics', { count: known.length })}</summary>
        <Table
          caption={t('server.metrics', { count: known.length })}
          columns={[
            { head: t('server.metric'), cell: ({ name }: Sample) => <code>{name}</code> },
            { head: t('server.labels'), cell: ({ labels }) => Object.entries(labels).map((pair) => pair.join('=')).join(', ') },
            { head: t('server.value'), cell: ({ value }) => value, figures: true },
          ]}
          rows={known}
          keyOf={({ name, labels }) => name + JSON.stringify(labels)}
          empty={t('server.noMetrics')}
        />
      </details>
    </>
  );
}

function About({ subject: { title, figures, plots = [] }, samples, past }: { subject: Subject; samples: Sample[]; past: Moment[] }) {
  const shown = (text: string | boolean) => (typeof text === 'string' ? text : t(text ? 'value.yes' : 'value.no'));
  return (
    <>
      <h2>{t(title)}</h2>
      <Facts
        of={figures.map((figure) => {
          const { text, bad } = read(figure, samples);
          return [t(figure.label), bad ? <Badge tone="bad">{shown(text)}</Badge> : shown(text)] as const;
        })}
      />
      {plots.length > 0 && (
        <div class="charts">
          {plots.map((plot) => (
            <Chart key={plot.label} title={t(plot.label)} unit={t(plot.unit)} series={[{ name: t('server.all'), points: pointsOf(plot, past) }]} />
          ))}
        </div>
      )}
    </>
  );
}
