/** Figures over time, a line for each series, and the same figures as a table behind. */
import { useRef } from 'preact/hooks';
import { useSize } from '../../hooks/useSize';
import { figure, timeOfDay } from '../state/format';
import { t } from '../words/t';
import { frameOf, line, type Series } from './chart';
import { Table } from './Table';

/** Until it is known how wide it is. */
const WIDTH = 640;
const HEIGHT = 160;
const LEFT = 44;
const BOTTOM = 22;

/** As in console.css. */
const PADDING = 12;

/** Lines differ in their dashes too. */
const LOOKS = 6;

interface ChartProps {
  title: string;
  unit: string;
  series: readonly Series[];
  /** The highest value there can be, where there is one. */
  top?: number;
}

export function Chart(props: ChartProps) {
  return props.series.some(({ points }) => points.length > 0) ? <Plotted {...props} /> : null;
}

function Plotted({ title, unit, series, top }: ChartProps) {
  const box = useRef<HTMLElement>(null);
  const size = useSize(box);
  const width = size.width > 0 ? size.width - 2 * PADDING : WIDTH;
  const frame = frameOf(series, top);
  const ticks = [0, 0.5, 1].map((share) => share * frame.top);
  return (
    <figure class="chart" ref={box}>
      <figcaption class="chart__title">
        {title} <span class="chart__unit">{unit}</span>
      </figcaption>
      <svg class="chart__plot" viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label={summary(title, unit, series)}>
        {ticks.map((tick) => {
          const y = 8 + (HEIGHT - BOTTOM - 8) * (1 - tick / frame.top);
          return (
            <g key={tick}>
              <line class="chart__grid" x1={LEFT} x2={width} y1={y} y2={y} />
              <text class="chart__label" x={LEFT - 6} y={y + 4} text-anchor="end">
                {figure(Number(tick.toPrecision(3)))}
              </text>
            </g>
          );
        })}
        <text class="chart__label" x={LEFT} y={HEIGHT - 4}>
          {timeOfDay(frame.from)}
        </text>
        <text class="chart__label" x={width} y={HEIGHT - 4} text-anchor="end">
          {timeOfDay(frame.to)}
        </text>
        <g transform={`translate(${LEFT} 8)`}>
          {series.map(({ name, points }, index) => (
            <path
              key={name}
              class={`chart__line chart__line--${index % LOOKS}`}
              d={line(points, frame, width - LEFT, HEIGHT - BOTTOM - 8)}
            />
          ))}
        </g>
      </svg>
      <ul class="chart__legend">
        {series.map(({ name }, index) => (
          <li key={name}>
            <svg width="28" height="8" aria-hidden="true">
              <line class={`chart__line chart__line--${index % LOOKS}`} x1="0" x2="28" y1="4" y2="4" />
            </svg>
            {name}
          </li>
        ))}
      </ul>
      <details class="chart__table">
        <summary>{t('chart.asTable', { title })}</summary>
        <Table
          caption={title}
          columns={[
            { head: t('chart.at'), cell: (row) => timeOfDay(row.at) },
            { head: t('chart.who'), cell: (row) => row.name },
            { head: `${title} (${unit})`, cell: (row) => (row.value === null ? t('value.unknown') : figure(row.value)), figures: true },
          ]}
          rows={series.flatMap(({ name, points }) => points.map((point) => ({ name, ...point })))}
          keyOf={({ name, at }) => `${name} ${at}`}
          empty=""
        />
      </details>
    </figure>
  );
}

/** For those who cannot see the lines. */
function summary(title: string, unit: string, series: readonly Series[]): string {
  const each = series.map(({ name, points }) => {
    const known = points.flatMap(({ value }) => (value === null ? [] : [value]));
    if (known.length === 0) return t('chart.nothing', { name });
    const [low, high, last] = [Math.min(...known), Math.max(...known), known.at(-1) ?? 0].map((n) => Number(n.toPrecision(3)));
    return t('chart.summary', { name, low: low ?? 0, high: high ?? 0, last: last ?? 0, unit });
  });
  return `${title}. ${each.join(' ')}`;
}
