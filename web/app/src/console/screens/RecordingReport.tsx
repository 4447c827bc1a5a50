/** How far a recording can be trusted: what is missing, where, and why. */
import type { Recording } from '@calls/sdk';
import { elapsed } from '../../layout/text';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Table } from '../components/Table';
import type { Asked } from '../state/ask';
import { holes, lostPercent, namesIn, whole, type Hole, type Report } from '../state/report';
import { said, t, tn } from '../words/t';

/** More rows than these stay folded until somebody wants them. */
const MOST_OPEN = 20;

export function RecordingReport({ recording, report }: { recording: Recording; report: Asked<Report | null> }) {
  return (
    <section class="report" aria-label={t('report.title')}>
      <p class="report__title">{t('report.title')}</p>
      <Answer of={report}>{(known) => <Told report={known} recording={recording} />}</Answer>
    </section>
  );
}

function Told({ report, recording }: { report: Report; recording: Recording }) {
  const name = namesIn(recording);
  const { lost, meant } = holes(report, name);
  const { files_damaged, files_unknown, log_lines_unreadable, tracks } = report;
  const unreadable = tracks.reduce((sum, { frames_unreadable }) => sum + frames_unreadable, 0);
  const dropped = tracks.reduce((sum, { bursts_dropped }) => sum + bursts_dropped, 0);
  return (
    <>
      <p>{whole(report) ? <Badge tone="good">{t('report.whole')}</Badge> : <Badge tone="bad">{t('report.partial')}</Badge>}</p>
      {files_damaged.length > 0 && <p>{t('report.damaged', { files: files_damaged.join(', ') })}</p>}
      {files_unknown > 0 && <p>{tn('report.unknown', files_unknown)}</p>}
      {log_lines_unreadable > 0 && <p>{tn('report.lines', log_lines_unreadable)}</p>}
      {unreadable > 0 && <p>{tn('report.unreadable', unreadable)}</p>}
      {dropped > 0 && <p>{tn('report.dropped', dropped)}</p>}
      <Holes title={tn('report.holes', lost.length)} of={lost} open />
      <Holes title={tn('report.meant', meant.length)} of={meant} />
      {tracks.length > 0 && (
        <details class="report__part">
          <summary>{t('report.tracks')}</summary>
          <Table
            caption={t('report.tracks')}
            columns={[
              { head: t('report.who'), cell: (track: Report['tracks'][number]) => name(track.participant_id, track.user_id) },
              { head: t('report.source'), cell: ({ source }) => said('source', source) },
              { head: t('report.lost'), cell: (track) => `${lostPercent(track)} ${t('unit.percent')}`, figures: true },
              { head: t('report.silence'), cell: ({ silence_ms }) => elapsed(silence_ms / 1000), figures: true },
            ]}
            rows={tracks}
            keyOf={({ participant_id, source, files }) => `${participant_id} ${source} ${files[0]}`}
            empty=""
          />
        </details>
      )}
    </>
  );
}

function Holes({ title, of: found, open = false }: { title: string; of: readonly Hole[]; open?: boolean }) {
  if (found.length === 0) return null;
  return (
    <details class="report__part" open={open && found.length <= MOST_OPEN}>
      <summary>{title}</summary>
      <Table
        caption={title}
        columns={[
          { head: t('report.at'), cell: (hole: Hole) => <Span of={hole} /> },
          { head: t('report.who'), cell: ({ who }) => (who ? `${who.name}, ${said('source', who.source)}` : t('report.everybody')) },
          { head: t('report.why'), cell: reasonOf },
        ]}
        rows={found}
        keyOf={({ from_ms, who, reason }) => `${from_ms} ${who?.id} ${who?.source} ${reason}`}
        empty=""
      />
    </details>
  );
}

function Span({ of: { from_ms, to_ms, reason } }: { of: Hole }) {
  const from = elapsed(from_ms / 1000);
  if (reason === 'paused') return <bdi>{from}</bdi>;
  if (to_ms === null) return <>{t('report.from', { from })}</>;
  const to = elapsed(to_ms / 1000);
  return <bdi>{from === to ? from : t('report.span', { from, to })}</bdi>;
}

function reasonOf({ reason, out_ms, gaps }: Hole): string {
  if (reason === 'paused' && out_ms !== null) return t('report.pausedFor', { time: elapsed(out_ms / 1000) });
  if (gaps === 1 || out_ms === null) return said('gap', reason);
  return tn('report.several', gaps, { reason: said('gap', reason), time: elapsed(out_ms / 1000) });
}
