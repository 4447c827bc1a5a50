// Behind a wall that lets nothing through but TURN.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sees, seesAndHears } from '../support/meeting.mjs';
import { world } from '../support/world.mjs';

const here = world();

/** How media goes now: the local end of the pair that carries it. */
function way({ page }) {
  return page.evaluate(async () => {
    const stats = await globalThis.__connections.at(-1).getStats();
    const transport = [...stats.values()].find(({ type }) => type === 'transport');
    const pair = stats.get(transport.selectedCandidatePairId);
    const { candidateType, relayProtocol } = stats.get(pair.localCandidateId);
    return { candidateType, relayProtocol };
  });
}

for (const relayProtocol of ['udp', 'tcp']) {
  test(`somebody who reaches nothing but TURN by ${relayProtocol} sees and hears, and is seen and heard`, async () => {
    const room = await here.room();
    const open = await here.join('Olga', room);
    const walled = await here.join('Walter', room, { relay: relayProtocol });
    await sees(open, 2);
    await seesAndHears(walled, 1);
    await seesAndHears(open, 1);
    assert.deepEqual(await way(walled), { candidateType: 'relay', relayProtocol });
    assert.equal((await way(open)).candidateType === 'relay', false);
    await walled.close();
    await open.close();
  });
}

test('nobody’s page logged an error of its own', () => here.assertNoErrors());
