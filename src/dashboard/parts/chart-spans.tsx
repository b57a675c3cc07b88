import type { AssetChart } from '../../charts/asset-chart.ts';
import { duration, when } from '../format.ts';
import { t } from '../language.ts';
import { invalidText, spanSentence } from './asset-charts.tsx';

/** As many as a person reads. */
const shown = 20;
/** Shorter than this, beginning and end read the same. */
const shortMs = 2_000;
/** Of a span: what is shown before and after it. */
const around = 0.5;

/** What is shaded in the charts, in words: alarms that stood and stretches without a score; each one opens its stretch. */
export function ChartSpans({ chart, onZoom }: { readonly chart: AssetChart; readonly onZoom: (fromMs: number, toMs: number) => void }) {
  const { asset, alarms, invalid, toMs } = chart;
  const spans = [
    {
      id: 'spans',
      title: t('asset.alarms'),
      spans: alarms.map((span) => ({ ...span, text: spanSentence(span, asset) })),
    },
    {
      id: 'invalid',
      title: t('asset.invalid'),
      spans: invalid.map((span) => ({ ...span, text: invalidText(span.reason, span.tag, asset) })),
    },
  ];
  return (
    <>
      {spans
        .filter((list) => list.spans.length > 0)
        .map((list) => (
          <section key={list.id} aria-labelledby={list.id}>
            <h2 id={list.id}>{list.title}</h2>
            <ul class="spans">
              {list.spans
                .slice(-shown)
                .reverse()
                .map(({ fromMs, toMs: end, text }) => (
                  <li key={`${fromMs} ${text}`}>
                    <button
                      type="button"
                      class="link"
                      onClick={() => {
                        const lasts = Math.max(shortMs, (end ?? toMs) - fromMs);
                        onZoom(fromMs - around * lasts, (end ?? toMs) + around * lasts);
                      }}
                    >
                      {spanText(fromMs, end)}
                    </button>{' '}
                    {text}
                  </li>
                ))}
            </ul>
            {list.spans.length > shown && <p class="note">{t('asset.moreSpans', { count: list.spans.length - shown })}</p>}
          </section>
        ))}
    </>
  );
}

/** "15:58:26 – 15:59:02 (36 s)"; "15:58:26 (0.1 s)" where both ends would read the same. */
function spanText(fromMs: number, toMs: number | null): string {
  if (toMs === null) return t('chart.stands', { when: when(fromMs) });
  const lasted = duration(toMs - fromMs);
  return toMs - fromMs < shortMs ? `${when(fromMs)} (${lasted})` : `${when(fromMs)} – ${when(toMs)} (${lasted})`;
}
