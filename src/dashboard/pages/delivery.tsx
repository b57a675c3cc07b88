import { useState } from 'preact/hooks';
import { autonomyMs } from '../../gateway/autonomy.ts';
import type { StorageForecast } from '../../gateway/storage-forecast.ts';
import { bytes, count, duration, moment, number, when } from '../format.ts';
import { type Text, t } from '../language.ts';
import { type LiveStatus, now, status } from '../state.ts';
import { useFetched } from '../use-fetched.ts';

type SinkNow = LiveStatus['sinks'][string];

/** Nothing has been sent yet, so nothing has failed. */
const isUnheard = ({ link, lastError }: SinkNow['delivery'], sink: SinkNow['sink']): boolean =>
  !link.up && (lastError ?? sink.lastError) === undefined;

export const isDown = (delivery: SinkNow['delivery'], sink: SinkNow['sink']): boolean => !delivery.link.up && !isUnheard(delivery, sink);

/** What waits for the cloud, how fast it leaves, and how long the link may stay away. */
export function Delivery() {
  const { data: storage } = useFetched<StorageForecast>('/storage', 15_000);
  const sinks = Object.entries(status.value?.sinks ?? {});
  return (
    <>
      <h1>{t('nav.delivery')}</h1>
      {status.value !== undefined && sinks.length === 0 && <p>{t('delivery.none')}</p>}
      {sinks.map(([id, { delivery, sink }]) => {
        const waiting = Object.values(delivery.lanes).reduce((sum, { points }) => sum + points, 0);
        const drainMs = delivery.drainPointsPerSecond > 0 ? (waiting / delivery.drainPointsPerSecond) * 1000 : undefined;
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
                {Object.entries(delivery.lanes).map(([lane, { points, oldestMs }]) => (
                  <tr key={lane}>
                    <th scope="row">{t(`lane.${lane}` as Text)}</th>
                    <td>{count(points)}</td>
                    <td>{oldestMs === null ? '–' : duration(now.value - oldestMs)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
            <p class="note">
              {t('delivery.rate', {
                rate: number(delivery.drainPointsPerSecond, 3),
                delivered: count(delivery.counters.delivered),
                rejected: count(delivery.counters.rejected),
              })}
              {waiting > 0 && drainMs !== undefined && ` ${t('delivery.drained', { time: duration(drainMs) })}`}
            </p>
          </section>
        );
      })}
      {storage !== undefined && <Autonomy storage={storage} />}
    </>
  );
}

/** Real rates of the journal, and what would be at others. */
function Autonomy({ storage }: { readonly storage: StorageForecast }) {
  const { bytes: used, bytesPerDay, samplesPerDay, freeBytes, oldestMs, daysOfHistory, bound } = storage;
  const [factor, setFactor] = useState(1);
  const autonomy = autonomyMs(storage);
  return (
    <section class="card" aria-labelledby="autonomy">
      <h2 id="autonomy">{t('autonomy.title')}</h2>
      <dl class="figures">
        <div>
          <dt>{t('autonomy.kept')}</dt>
          <dd>
            {bytes(used)}
            <small>{oldestMs === null ? '' : t('autonomy.sinceWhen', { when: moment(oldestMs) })}</small>
          </dd>
        </div>
        <div>
          <dt>{t('autonomy.free')}</dt>
          <dd>{bytes(freeBytes)}</dd>
        </div>
        <div>
          <dt>{t('autonomy.perDay')}</dt>
          <dd>
            {bytesPerDay === null ? t('autonomy.later') : bytes(bytesPerDay)}
            <small>{samplesPerDay === null ? '' : t('autonomy.samples', { count: count(samplesPerDay) })}</small>
          </dd>
        </div>
        <div>
          <dt>{t('autonomy.history')}</dt>
          <dd>
            {daysOfHistory === null ? '–' : duration(daysOfHistory * 86_400_000)}
            <small>{bound === null ? '' : t(`bound.${bound}` as Text)}</small>
          </dd>
        </div>
      </dl>
      {autonomy !== undefined && (
        <>
          <label>
            {t('autonomy.ask', { factor: number(factor, 2) })}
            <input
              type="range"
              min="0.25"
              max="8"
              step="0.25"
              value={factor}
              onInput={(event) => setFactor(Number(event.currentTarget.value))}
            />
          </label>
          <p role="status">{t('autonomy.answer', { time: duration(autonomy / factor) })}</p>
        </>
      )}
    </section>
  );
}
