/** After it is over: why, and where to go from here. */
import type { Ending } from '@calls/sdk';
import { Brand } from '../../components/Brand/Brand';
import { Button } from '../../components/Button/Button';
import { Centered } from '../../components/Centered/Centered';
import { has, t } from '../../i18n/t';
import { go } from '../../state/route';
import { refusalOf } from '../../state/refusal';
import type { Visit } from '../../state/visit';

/** Coming back makes no sense after these. */
const FINAL: ReadonlySet<string> = new Set(['removed', 'denied', 'unauthorized']);

export function Farewell({ visit, ending }: { visit: Visit; ending: Ending }) {
  const final = ending.by === 'bye' && FINAL.has(ending.reason);
  const empty = ending.by === 'bye' && ending.reason === 'call_ended'; // whoever came back would sit there alone
  const actions = (
    <>
      {!final && (
        <Button look={empty ? 'plain' : 'primary'} onClick={() => visit.again()}>
          {t('over.rejoin')}
        </Button>
      )}
      <Button look={final || empty ? 'primary' : 'plain'} onClick={() => go('/')}>
        {t('app.home')}
      </Button>
    </>
  );
  return <Centered head={<Brand />} title={sentence(ending)} actions={actions} />;
}

function sentence(ending: Ending): string {
  switch (ending.by) {
    case 'unreachable':
      return t('over.unreachable');
    case 'problem':
      return refusalOf(ending.problem).text;
    case 'bye': {
      const key = `over.${ending.reason}`;
      return has(key) ? t(key) : t('over.other');
    }
  }
}
