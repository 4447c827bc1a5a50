/** What narrows a list, kept in the address. */
import { useEffect, useState } from 'preact/hooks';
import { go, pathOf, type Screen } from '../state/route';
import { said, t } from '../words/t';

export interface Field {
  name: string;
  label: string;
  /** What is typed into it; or one of some words, said by a group of the catalogue. */
  of: 'search' | 'date' | { words: readonly string[]; group: string };
}

interface FiltersProps {
  screen: Screen;
  label: string;
  fields: readonly Field[];
  query: URLSearchParams;
}

export function Filters({ screen, label, fields, query }: FiltersProps) {
  const set = (name: string, value: string) => {
    const next = new URLSearchParams(query);
    if (value) next.set(name, value);
    else next.delete(name);
    go(pathOf(screen, undefined, next), 'replace');
  };
  return (
    <form class="filters" role="search" aria-label={label} onSubmit={(event) => event.preventDefault()}>
      {fields.map(({ name, label: about, of }) => (
        <label key={name} class="filters__one">
          {about}
          {typeof of === 'string' ? (
            <Typed type={of} value={query.get(name) ?? ''} set={(value) => set(name, value)} />
          ) : (
            <select value={query.get(name) ?? ''} onChange={(event) => set(name, event.currentTarget.value)}>
              <option value="">{t('filter.any')}</option>
              {of.words.map((word) => (
                <option key={word} value={word}>
                  {said(of.group, word)}
                </option>
              ))}
            </select>
          )}
        </label>
      ))}
    </form>
  );
}

/** Keeps what is typed until it is said to be all, whatever the list does meanwhile. */
function Typed({ type, value, set }: { type: 'search' | 'date'; value: string; set: (value: string) => void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  return (
    <input
      type={type as 'text'}
      value={typed}
      onInput={(event) => setTyped(event.currentTarget.value)}
      onChange={(event) => set(event.currentTarget.value.trim())}
    />
  );
}
