/** What narrows a list, kept in the address. */
import { useEffect, useId, useState } from 'preact/hooks';
import { wrongWith } from '../state/refusal';
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
  /** Why the list could not be had. */
  error: unknown;
}

/** What went wrong, unless it stands at its field. */
export const beside = (fields: readonly string[], error: unknown): unknown => (fields.some((name) => wrongWith(name, error)) ? null : error);

export function Filters({ screen, label, fields, query, error }: FiltersProps) {
  const set = (name: string, value: string) => {
    const next = new URLSearchParams(query);
    if (value) next.set(name, value);
    else next.delete(name);
    go(pathOf(screen, undefined, next), 'replace');
  };
  return (
    <form class="filters" role="search" aria-label={label} onSubmit={(event) => event.preventDefault()}>
      {fields.map(({ name, label: about, of }) =>
        typeof of === 'string' ? (
          <Typed
            key={name}
            label={about}
            type={of}
            value={query.get(name) ?? ''}
            wrong={wrongWith(name, error)}
            set={(value) => set(name, value)}
          />
        ) : (
          <label key={name} class="filters__one">
            {about}
            <select value={query.get(name) ?? ''} onChange={(event) => set(name, event.currentTarget.value)}>
              <option value="">{t('filter.any')}</option>
              {of.words.map((word) => (
                <option key={word} value={word}>
                  {said(of.group, word)}
                </option>
              ))}
            </select>
          </label>
        ),
      )}
    </form>
  );
}

interface TypedProps {
  label: string;
  type: 'search' | 'date';
  value: string;
  /** In the server's English. */
  wrong: string | undefined;
  set: (value: string) => void;
}

/** Keeps what is typed until it is said to be all, whatever the list does meanwhile. */
function Typed({ label, type, value, wrong, set }: TypedProps) {
  const id = useId();
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  return (
    <div class="filters__one">
      <label for={id}>{label}</label>
      <input
        id={id}
        type={type as 'text'}
        value={typed}
        aria-invalid={wrong ? 'true' : undefined}
        aria-describedby={wrong && `${id}-wrong`}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onChange={(event) => set(event.currentTarget.value.trim())}
      />
      {wrong && (
        <span class="filters__wrong" lang="en" dir="auto" id={`${id}-wrong`} role="alert">
          {wrong}
        </span>
      )}
    </div>
  );
}
