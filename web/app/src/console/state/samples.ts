/** How well the people of a call were connected, as far as it is known by now. */
import type { Call, QualitySample } from '@calls/sdk';
import { useMemo } from 'preact/hooks';
import { api, got } from './api';
import { useAsk, type Asked } from './ask';
import { backwards, growing, type Grown } from './growing';

/** The server keeps a sample of each person for every 5 s. */
const LIVE_MS = 5000;

/** As many as a chart can show; a longer call shows its end. */
const MOST = 5000;

const samplesOf = (call_id: string): (() => Promise<Grown<QualitySample>>) =>
  backwards({
    ask: (cursor) =>
      got(api.GET('/api/v1/calls/{call_id}/quality', { params: { path: { call_id }, query: { limit: 100, ...(cursor && { cursor }) } } })),
    keyOf: ({ at, participant_id }: QualitySample) => `${at} ${participant_id}`,
    atOf: ({ at }) => Date.parse(at),
    most: MOST,
  });

export function useSamples({ call_id, status }: Pick<Call, 'call_id' | 'status'>): Asked<Grown<QualitySample>> {
  const ask = useMemo(() => samplesOf(call_id), [call_id]);
  return useAsk(ask, [call_id, status], growing(status === 'ended' ? undefined : LIVE_MS));
}
