/** How this call's media flows, in figures. */
import type { Figures as All, Flow } from '@calls/sdk';
import { useEffect, useState } from 'preact/hooks';
import { t } from '../../i18n/t';
import type { MeetingStore } from '../../state/meeting-store';
import { Panel } from '../Panel/Panel';
import './Figures.css';

const EVERY_MS = 2_000;

export function Figures({ store }: { store: MeetingStore }) {
  const [figures, setFigures] = useState<All | null>(null);
  useEffect(() => {
    const look = () => void store.meeting.figures().then(setFigures);
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, [store]);
  return (
    <Panel title={t('figures.title')} close={() => store.show(null)}>
      <div class="figures" tabIndex={0} role="region" aria-label={t('figures.title')}>
        {figures && <Totals figures={figures} />}
        {figures && <Flows caption={t('figures.in')} flows={figures.flows.filter(({ way }) => way === 'in')} />}
        {figures && <Flows caption={t('figures.out')} flows={figures.flows.filter(({ way }) => way === 'out')} />}
      </div>
    </Panel>
  );
}

function Totals({ figures: { rttMs, upKbps, downKbps, availableKbps, path } }: { figures: All }) {
  const rate = (kbps: number | null) => (kbps === null ? t('figures.unknown') : t('figures.kbps', { kbps }));
  const rows: [string, string][] = [
    [t('figures.rtt'), rttMs === null ? t('figures.unknown') : t('quality.delay', { ms: rttMs })],
    [t('figures.down'), rate(downKbps)],
    [t('figures.up'), rate(upKbps)],
    [t('figures.available'), rate(availableKbps)],
    [t('figures.path'), path ? t(path.relayed ? 'figures.relayed' : 'figures.direct', { protocol: path.protocol.toUpperCase() }) : t('figures.unknown')],
  ];
  return (
    <dl class="figures__totals">
      {rows.map(([name, value]) => (
        <div class="figures__row" key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Flows({ caption, flows }: { caption: string; flows: readonly Flow[] }) {
  return (
    <table class="figures__flows">
      <caption>{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{t('figures.codec')}</th>
          <th scope="col">{t('figures.size')}</th>
          <th scope="col">{t('figures.rate')}</th>
          <th scope="col">{t('figures.loss')}</th>
        </tr>
      </thead>
      <tbody>
        {flows.map((flow) => (
          <tr key={flow.id}>
            <td>{[flow.codec.replace('opus', 'Opus'), flow.rid].filter(Boolean).join(' ')}</td>
            <td>{sizeOf(flow)}</td>
            <td>{t('figures.kbps', { kbps: flow.kbps })}</td>
            <td>{flow.loss === null ? '–' : t('figures.percent', { percent: flow.loss * 100 })}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const sizeOf = ({ width, height, fps }: Flow): string =>
  width && height ? t('figures.picture', { width: String(width), height: String(height), fps: Math.round(fps ?? 0) }) : '–';
