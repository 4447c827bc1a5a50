/** What happened in a call, as far as it is known by now. */
import type { Call } from '@calls/sdk';
import { useMemo } from 'preact/hooks';
import { api, got } from './api';
import { useAsk, type Asked } from './ask';
import { forwards, growing, type Grown } from './growing';
import type { Happened } from './timeline';

const LIVE_MS = 3000;
/** What was recorded is still being made. */
const AFTER_MS = 20_000;

const eventsOf = (call_id: string) => async (after: string | undefined) => {
  const query = { call_id, limit: 100, ...(after && { after }) };
  const { data, ...rest } = await got(api.GET('/api/v1/calls/events', { params: { query } }));
  return { ...rest, data: (data as Happened[]).filter(({ type }) => type !== 'transcription.utterance') }; // those are the transcript
};

export function useHappened({ call_id, status }: Pick<Call, 'call_id' | 'status'>): Asked<Grown<Happened>> {
  const ask = useMemo(() => forwards(eventsOf(call_id)), [call_id]);
  return useAsk(ask, [call_id, status], growing(status === 'ended' ? AFTER_MS : LIVE_MS));
}
