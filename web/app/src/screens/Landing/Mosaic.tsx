/** A picture of what this is about: four people, one of whom speaks. */
import './Mosaic.css';

const PEOPLE = [
  { x: 0, y: 0, tone: 'a' },
  { x: 252, y: 0, tone: 'b' },
  { x: 0, y: 146, tone: 'c' },
  { x: 252, y: 146, tone: 'd' },
];

export function Mosaic() {
  return (
    <svg class="mosaic" viewBox="-4 -4 500 290" aria-hidden="true" focusable="false">
      {PEOPLE.map(({ x, y, tone }) => (
        <g key={tone} class={`mosaic__tile mosaic__tile--${tone}`} transform={`translate(${x} ${y})`}>
          <rect width="240" height="134" rx="16" />
          <path d="M62 134c4-34 26-50 58-50s54 16 58 50z" />
          <circle cx="120" cy="54" r="25" />
        </g>
      ))}
      <rect class="mosaic__ring" x="252" y="0" width="240" height="134" rx="16" />
      <g class="mosaic__voice" transform="translate(272 104)">
        <rect width="5" height="14" y="3" rx="2.5" />
        <rect width="5" height="20" x="9" rx="2.5" />
        <rect width="5" height="10" x="18" y="5" rx="2.5" />
      </g>
    </svg>
  );
}
