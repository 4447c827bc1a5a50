/** Rows of one kind. */
import type { ComponentChildren } from 'preact';
import { t } from '../words/t';

export interface Column<T> {
  head: string;
  cell: (row: T) => ComponentChildren;
  /** Figures stand under each other. */
  figures?: boolean;
}

interface TableProps<T> {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  keyOf: (row: T) => string;
  empty: string;
  /** Whose last column tells it all, and the others when and what about: no names of columns on a phone. */
  log?: boolean;
}

/** On a phone each row is a card, and no table for browsers that go by looks: so the roles are said. */
export function Table<T>({ caption, columns, rows, keyOf, empty, log }: TableProps<T>) {
  if (rows.length === 0) return <p class="console__empty">{empty}</p>;
  return (
    <div class={log ? 'table table--log' : 'table'} role="region" aria-label={caption} tabIndex={0}>
      <table role="table">
        <caption class="visually-hidden">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map(({ head, figures }) => (
              <th key={head} scope="col" role="columnheader" class={figures ? 'table__figures' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row">
              {columns.map(({ head, cell, figures }) => (
                <td key={head} role="cell" class={figures ? 'table__figures' : undefined} data-head={head}>
                  <div class="table__cell">{cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface MoreProps {
  more: (() => void) | null;
}

/** The foot of a list that has further pages. */
export function More({ more }: MoreProps) {
  if (!more) return null;
  return (
    <p class="console__more">
      <button class="button button--plain button--small" type="button" onClick={more}>
        {t('list.more')}
      </button>
    </p>
  );
}
