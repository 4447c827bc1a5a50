/** After it is over: why, and where to go from here. */
import type { Ending } from '@calls/sdk';
import { useEffect, useRef } from 'preact/hooks';
import { Brand } from '../../components/Brand/Brand';
import { Button } from '../../components/Button/Button';
import { has, t } from '../../i18n/t';
import { go } from '../../state/route';
import { refusalOf } from '../../state/refusal';
import type { Visit } from '../../state/visit';
import './Farewell.css';

/** Coming back makes no sense after these. */
const FINAL: ReadonlySet<string> = new Set(['removed', 'denied', 'unauthorized']);

export function Farewell({ visit, ending }: { visit: Visit; ending: Ending }) {
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  const final = ending.by === 'bye' && FINAL.has(ending.reason);
  return (
    <main class="farewell">
      <Brand />
      <h1 class="farewell__title" ref={title} tabIndex={-1}>
        {sentence(ending)}
      </h1>
      <div class="farewell__actions">
        {!final && (
          <Button look="primary" onClick={() => visit.again()}>
            {t('over.rejoin')}
          </Button>
        )}
        <Button onClick={() => go('/')}>{t('app.home')}</Button>
      </div>
    </main>
  );
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
