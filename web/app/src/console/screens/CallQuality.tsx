/** How well each was connected, over the whole call. */
import type { QualitySample, WireMember } from '@calls/sdk';
import { Answer } from '../components/Answer';
import { Chart } from '../components/Chart';
import type { Series } from '../components/chart';
import type { Asked } from '../state/ask';
import type { Grown } from '../state/growing';
import { nameOf } from '../state/names';
import { t } from '../words/t';

interface CallQualityProps {
  people: readonly WireMember[];
  sampled: Asked<Grown<QualitySample>>;
}

export function CallQuality({ people, sampled }: CallQualityProps) {
  const names = new Map(people.map((member) => [member.participant_id, nameOf(member)]));

  const series = (samples: QualitySample[], value: (sample: QualitySample) => number | null): Series[] =>
    [...new Set(samples.map(({ participant_id }) => participant_id))].sort().map((id) => ({
      name: names.get(id) ?? id,
      points: samples
        .filter(({ participant_id }) => participant_id === id)
        .map((sample) => ({ at: Date.parse(sample.at), value: value(sample) })),
    }));
  return (
    <>
      <h2>{t('quality.title')}</h2>
      <Answer of={sampled}>
        {({ rows }) =>
          rows.length === 0 ? (
            <p class="console__empty">{t('quality.empty')}</p>
          ) : (
            <div class="charts">
              <Chart title={t('quality.score')} unit={t('unit.of5')} series={series(rows, ({ score }) => score)} top={5} />
              <Chart title={t('quality.loss')} unit={t('unit.percent')} series={series(rows, ({ loss }) => loss * 100)} />
              <Chart title={t('quality.rtt')} unit={t('unit.ms')} series={series(rows, ({ rtt_ms }) => rtt_ms ?? null)} />
              <Chart title={t('quality.jitter')} unit={t('unit.ms')} series={series(rows, ({ jitter_ms }) => jitter_ms)} />
              <Chart title={t('quality.up')} unit={t('unit.kbps')} series={series(rows, ({ up_kbps }) => up_kbps)} />
              <Chart title={t('quality.down')} unit={t('unit.kbps')} series={series(rows, ({ down_kbps }) => down_kbps)} />
              <Chart title={t('quality.estimate')} unit={t('unit.kbps')} series={series(rows, ({ estimate_kbps }) => estimate_kbps ?? null)} />
              <Chart title={t('quality.freezes')} unit={t('unit.count')} series={series(rows, ({ freezes }) => freezes)} />
              <Chart title={t('quality.upHeight')} unit={t('unit.px')} series={series(rows, ({ up_height }) => up_height ?? null)} />
              <Chart title={t('quality.downHeight')} unit={t('unit.px')} series={series(rows, ({ down_height }) => down_height ?? null)} />
              <Chart title={t('quality.reduced')} unit={t('unit.count')} series={series(rows, ({ reduced_pictures }) => reduced_pictures ?? null)} />
            </div>
          )
        }
      </Answer>
    </>
  );
}
