/** How well the people of a call were connected, as far as it is known by now. */
import type { QualitySample } from '@calls/sdk';
import { api, got } from './api';
import { backwards, type Grown } from './growing';

/** As many as a chart can show; a longer call shows its end. */
const MOST = 5000;

export const samplesOf = (call_id: string): (() => Promise<Grown<QualitySample>>) =>
  backwards({
    ask: (cursor) =>
      got(api.GET('/api/v1/calls/{call_id}/quality', { params: { path: { call_id }, query: { limit: 100, ...(cursor && { cursor }) } } })),
    keyOf: ({ at, participant_id }: QualitySample) => `${at} ${participant_id}`,
    atOf: ({ at }) => Date.parse(at),
    most: MOST,
  });
