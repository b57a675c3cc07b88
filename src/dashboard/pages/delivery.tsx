import type { StorageForecast } from '../../gateway/storage-forecast.ts';
import { count, duration, number, when } from '../format.ts';
import { type Text, t } from '../language.ts';
import { AutonomyCard } from '../parts/autonomy-card.tsx';
import { type LiveStatus, now, status } from '../state.ts';
import { useFetched } from '../use-fetched.ts';

type SinkNow = LiveStatus['sinks'][string];

/** Nothing has been sent yet, so nothing has failed. */
const isUnheard = ({ link, lastError }: SinkNow['delivery'], sink: SinkNow['sink']): boolean =>
  !link.up && (lastError ?? sink.lastError) === undefined;

export const isDown = (delivery: SinkNow['delivery'], sink: SinkNow['sink']): boolean => !delivery.link.up && !isUnheard(delivery, sink);

const waitingOf = ({ delivery: { lanes } }: SinkNow): number => Object.values(lanes).reduce((sum, { points }) => sum + points, 0);

const countedText = ({ delivery: { counters } }: SinkNow) => ({
  delivered: count(counters.delivered),
  rejected: count(counters.rejected),
});

/** How fast it leaves, and when everything has left. */
function flowText(sink: SinkNow): string {
  const { drainPointsPerSecond: rate } = sink.delivery;
  const waiting = waitingOf(sink);
  const said = t('delivery.rate', { rate: number(rate, 3), ...countedText(sink) });
  return waiting > 0 && rate > 0 ? `${said} ${t('delivery.drained', { time: duration((waiting / rate) * 1000) })}` : said;
}

/** What grows while nothing leaves, and how long it can. */
function outageText(sink: SinkNow, storage: StorageForecast | undefined): string {
  const grows = t('delivery.outage', { waiting: count(waitingOf(sink)), rate: number(sink.incomingPointsPerSecond, 3) });
  return [grows, lastsText(sink, storage), t('delivery.counted', countedText(sink))].join(' ');
}

function lastsText({ wants }: SinkNow, storage: StorageForecast | undefined): string {
  if (wants.every((lane) => lane === 'alarms')) return t('delivery.outageAlarms');
  if (storage === undefined || storage.autonomy === null) return t('delivery.outageLater');
  const { ms, bound } = storage.autonomy;
  return t('delivery.outageLasts', { time: duration(ms), bound: t(`bound.${bound}`) });
}

/** What waits for the cloud, how fast it leaves, and how long the link may stay away. */
export function Delivery() {
  const { data: storage } = useFetched<StorageForecast>('/storage', 15_000);
  const sinks = Object.entries(status.value?.sinks ?? {});
  return (
    <>
      <h1>{t('nav.delivery')}</h1>
      {status.value !== undefined && sinks.length === 0 && <p>{t('delivery.none')}</p>}
      {sinks.map(([id, one]) => {
        const { delivery, sink, wants } = one;
        return (
          <section key={id} class="card" aria-labelledby={`sink-${id}`}>
            <h2 id={`sink-${id}`}>
              {id}{' '}
              <span class={`badge ${delivery.link.up ? 'good' : isDown(delivery, sink) ? 'degraded' : ''}`}>
                {t(delivery.link.up ? 'delivery.up' : isDown(delivery, sink) ? 'delivery.down' : 'delivery.unheard')}
              </span>{' '}
              <small>{t('since', { when: when(delivery.link.sinceMs), age: duration(now.value - delivery.link.sinceMs) })}</small>
            </h2>
            {(delivery.lastError ?? sink.lastError) !== undefined && !delivery.link.up && (
              <p class="error">
                {delivery.lastError ?? sink.lastError}
                {(delivery.hint ?? sink.hint) !== undefined && <small class="hint">→ {delivery.hint ?? sink.hint}</small>}
              </p>
            )}
            <table>
              <thead>
                <tr>
                  <th scope="col">{t('delivery.lane')}</th>
                  <th scope="col">{t('delivery.waiting')}</th>
                  <th scope="col">{t('delivery.oldest')}</th>
                </tr>
              </thead>
              <tbody>
                {wants.map((lane) => {
                  const { points, oldestMs } = delivery.lanes[lane];
                  return (
                    <tr key={lane}>
                      <th scope="row">{t(`lane.${lane}` as Text)}</th>
                      <td>{count(points)}</td>
                      <td>{oldestMs === null ? '–' : duration(now.value - oldestMs)}</td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
            <p class="note">{delivery.link.up ? flowText(one) : outageText(one, storage)}</p>
          </section>
        );
      })}
      {storage !== undefined && <AutonomyCard storage={storage} />}
    </>
  );
}
