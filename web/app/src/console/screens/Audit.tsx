/** The audit log: who changed what, and who moderated whom. */
import type { Schemas } from '@calls/sdk';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { beside, Filters } from '../components/Filters';
import { More, Table } from '../components/Table';
import { api, got } from '../state/api';
import { usePages } from '../state/ask';
import { filtersIn } from '../state/filters';
import { moment } from '../state/format';
import { said, t } from '../words/t';

type AuditEntry = Schemas['AuditEntry'];

const FILTERS = ['actor', 'action'] as const;

export function Audit({ query }: { query: URLSearchParams }) {
  const filters = filtersIn(query, FILTERS);
  const list = usePages<AuditEntry>(
    (cursor) => got(api.GET('/api/v1/calls/audit', { params: { query: { ...filters, limit: 50, ...(cursor && { cursor }) } } })),
    [query.toString()],
  );
  return (
    <>
      <h1>{t('audit.title')}</h1>
      <Filters
        screen="audit"
        label={t('audit.label')}
        fields={FILTERS.map((name) => ({ name, label: t(`audit.by.${name}`), of: 'search' }))}
        query={query}
        error={list.error}
      />
      <Answer of={{ value: list.rows, error: beside(FILTERS, list.error) }}>
        {(rows) => (
          <Table
            caption={t('audit.title')}
            columns={[
              { head: t('audit.at'), cell: ({ at }: AuditEntry) => moment(at) },
              { head: t('audit.actor'), cell: (entry) => <Actor of={entry} /> },
              { head: t('audit.action'), cell: ({ action }) => <code class="code--whole">{action}</code> },
              { head: t('audit.subject'), cell: (entry) => <Subject of={entry} /> },
              { head: t('audit.status'), cell: ({ status }) => <Badge tone={status < 400 ? 'good' : 'bad'}>{status}</Badge> },
              { head: t('audit.address'), cell: ({ address }) => address ?? t('value.none') },
            ]}
            rows={rows}
            keyOf={({ audit_id }) => audit_id}
            empty={t(query.size > 0 ? 'audit.noMatch' : 'audit.empty')}
          />
        )}
      </Answer>
      <More more={list.more} />
    </>
  );
}

function Actor({ of: { actor, actor_kind } }: { of: AuditEntry }) {
  if (actor_kind === 'anybody') return <>{said('actor', actor_kind)}</>;
  return (
    <>
      {said('actor', actor_kind)} <code>{actor}</code>
    </>
  );
}

/** What it was done to, and what exactly, where the path does not say it. */
function Subject({ of: { subject, detail } }: { of: AuditEntry }) {
  if (!detail) return <code>{subject}</code>;
  return (
    <details>
      <summary>
        <code>{subject}</code>
      </summary>
      <code>{JSON.stringify(detail)}</code>
    </details>
  );
}
