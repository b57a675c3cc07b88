import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { type Supposed, supposedAutonomy } from '../../gateway/autonomy.ts';
import type { StorageForecast } from '../../gateway/storage-forecast.ts';
import { bytes, count, duration, moment } from '../format.ts';
import { type Text, t } from '../language.ts';

const daySeconds = 86_400;
const gigabyte = 1e9;

function Figure({ name, note, children }: { readonly name: Text; readonly note?: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{t(name)}</dt>
      <dd>
        {children}
        {note !== undefined && <small>{note}</small>}
      </dd>
    </div>
  );
}

/** How long the link may stay away, by real rates; and a calculator for others. */
export function AutonomyCard({ storage }: { readonly storage: StorageForecast }) {
  const { bytes: used, bytesPerDay, samplesPerDay, freeBytes, maxBytes, oldestMs, daysOfHistory, bound, waitingBytes, autonomy } = storage;
  const { isEarly, waitingBytesPerDay } = storage;
  return (
    <section class="card" aria-labelledby="autonomy">
      <h2 id="autonomy">{t('autonomy.title')}</h2>
      <dl class="figures">
        <Figure name="autonomy.left" {...(autonomy !== null && { note: t(`bound.${autonomy.bound}`) })}>
          {autonomy !== null ? duration(autonomy.ms) : t(waitingBytesPerDay === null ? 'autonomy.later' : 'autonomy.unlimited')}
        </Figure>
        <Figure name="autonomy.kept" {...(oldestMs !== null && { note: t('autonomy.sinceWhen', { when: moment(oldestMs) }) })}>
          {bytes(used)}
        </Figure>
        <Figure name="autonomy.waiting">{bytes(waitingBytes)}</Figure>
        <Figure name="autonomy.limit">{bytes(maxBytes)}</Figure>
        <Figure name="autonomy.free">{bytes(freeBytes)}</Figure>
        <Figure name="autonomy.perDay" {...(samplesPerDay !== null && { note: t('autonomy.samples', { count: count(samplesPerDay) }) })}>
          {bytesPerDay === null ? t('autonomy.later') : bytes(bytesPerDay)}
        </Figure>
        <Figure name="autonomy.history" {...(bound !== null && { note: t(`bound.${bound}`) })}>
          {daysOfHistory === null ? '–' : duration(daysOfHistory * daySeconds * 1000)}
        </Figure>
      </dl>
      {isEarly && waitingBytesPerDay !== null && <p class="note">{t('autonomy.early')}</p>}
      {autonomy !== null && samplesPerDay !== null && <Calculator storage={storage} samplesPerSecond={samplesPerDay / daySeconds} />}
    </section>
  );
}

/** Three numbers a person changes, and what would follow. */
function Calculator({ storage, samplesPerSecond }: { readonly storage: StorageForecast; readonly samplesPerSecond: number }) {
  const [changed, change] = useState<Partial<Supposed>>({});
  const supposed: Supposed = { samplesPerSecond, freeBytes: storage.freeBytes, maxBytes: storage.maxBytes, ...changed };
  const answer = supposedAutonomy(storage, supposed);
  const field = (name: Text, key: keyof Supposed, unit: number) => (
    <label>
      {t(name)}{' '}
      <input
        type="number"
        min="0"
        step="any"
        value={Number((supposed[key] / unit).toPrecision(4))}
        onInput={({ currentTarget: { valueAsNumber } }) => {
          if (valueAsNumber >= 0) change({ ...changed, [key]: valueAsNumber * unit });
        }}
      />
    </label>
  );
  return (
    <fieldset class="calculator">
      <legend>{t('autonomy.try')}</legend>
      {field('autonomy.rate', 'samplesPerSecond', 1)}
      {field('autonomy.freeGb', 'freeBytes', gigabyte)}
      {field('autonomy.limitGb', 'maxBytes', gigabyte)}
      <button type="button" onClick={() => change({})}>
        {t('autonomy.reset')}
      </button>
      <p role="status">
        {answer === undefined
          ? t('autonomy.unlimited')
          : t('autonomy.answer', { time: duration(answer.ms), bound: t(`bound.${answer.bound}`) })}
      </p>
    </fieldset>
  );
}
