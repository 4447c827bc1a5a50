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
}

export function Table<T>({ caption, columns, rows, keyOf, empty }: TableProps<T>) {
  if (rows.length === 0) return <p class="console__empty">{empty}</p>;
  return (
    <div class="table" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ head, figures }) => (
              <th key={head} scope="col" class={figures ? 'table__figures' : undefined}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ head, cell, figures }) => (
                <td key={head} class={figures ? 'table__figures' : undefined}>
                  {cell(row)}
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
