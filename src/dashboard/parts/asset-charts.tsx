import { type Signal, useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { AlarmSpan, AssetChart, ChannelSeries } from '../../charts/asset-chart.ts';
import { bridged, isEmpty, type LineValues, placeOf, spansAt, valueAt } from '../chart-values.ts';
import { leaf, moment, number, percent, ratio, withUnit } from '../format.ts';
import { reader, t, word } from '../language.ts';
import { alarmSentence } from '../sentences.ts';
import { type Band, Chart, type Line, type PlotBox, type Shade } from './chart.tsx';
import { HeatStrip } from './heat-strip.tsx';

/** Below it there is nothing to see on a scale of powers of ten. */
const leastRatio = 0.01;

const latelyMs = 10_000;

interface Drawn {
  readonly channel: ChannelSeries;
  readonly lines: readonly Line[];
  readonly bands: readonly Band[];
  readonly mean: LineValues;
  readonly expected: LineValues;
  readonly shades: readonly Shade[];
}

/** Score, parts of it and every channel on one time axis, with what they are where one looks. */
export function AssetCharts({ chart, onZoom }: { readonly chart: AssetChart; readonly onZoom: (fromMs: number, toMs: number) => void }) {
  const cursor = useSignal<number | null>(null);
  const box = useSignal<PlotBox | undefined>(undefined);
  const { fromMs, toMs, timeMs, score } = chart;
  const shared = { fromMs, toMs, timeMs, cursor, box, onZoom };
  const isUnscored = useMemo(() => unscored(chart), [chart]);
  const ratios = useMemo(() => bridged(score.ratio, isUnscored), [chart]);
  const scoreLines = useMemo(
    () => [{ values: ratios.map((value) => (typeof value === 'number' ? Math.max(value, leastRatio) : value)), colour: '--accent' }],
    [ratios],
  );
  const scoreShades = useMemo(() => shadesOf(chart, null), [chart]);
  const drawn = useMemo(() => chart.channels.map((channel) => drawnOf(chart, channel, isUnscored)), [chart]);
  const place = cursor.value === null ? newestPlace(chart, ratios) : placeOf(timeMs, cursor.value, chart.stepMs);
  const hasBand = drawn.some(({ bands }) => bands.some(({ colour }) => colour === '--band'));
  return (
    <div class="charts">
      <Legend hasBand={hasBand} />
      <Moment chart={chart} ratios={ratios} place={place} cursor={cursor} box={box} drawn={drawn} />
      <figure>
        <figcaption>
          <span>{t('score.overLimit')}</span>
          <span class="readout">{ratioText(valueAt(ratios, place))}</span>
        </figcaption>
        <Chart {...shared} lines={scoreLines} bands={[]} shades={scoreShades} limit={1} height={140} label={t('score.overLimit')} />
      </figure>
      {!isEmpty(ratios) && (
        <figure>
          <figcaption>
            <span>{t('asset.heat')}</span>
            <span class="readout">{sharesText(chart, place)}</span>
          </figcaption>
          <HeatStrip chart={chart} box={box} />
        </figure>
      )}
      {drawn.map(({ channel, lines, bands, shades, mean, expected }) => (
        <figure key={channel.tag}>
          <figcaption>
            <span>
              {leaf(channel.tag)}
              {channel.engineeringUnit !== null && ` (${channel.engineeringUnit})`}
            </span>
            <span class="readout">{channelText(channel, valueAt(mean, place), valueAt(expected, place))}</span>
          </figcaption>
          <Chart {...shared} lines={lines} bands={bands} shades={shades} height={130} label={t('chart.label', { channel: channel.tag })} />
        </figure>
      ))}
    </div>
  );
}

const keys = [
  ['line', 'measured'],
  ['band', 'band'],
  ['expected', 'expected'],
  ['tolerance', 'tolerance'],
  ['limit', 'limit'],
  ['alarm', 'alarm'],
  ['invalid', 'invalid'],
] as const;

const Legend = ({ hasBand }: { readonly hasBand: boolean }) => (
  <ul class="legend" aria-label={t('legend.title')}>
    {keys
      .filter(([mark]) => hasBand || mark !== 'band')
      .map(([mark, name]) => (
        <li key={mark}>
          <span class={`key ${mark}`} aria-hidden="true" />
          {t(`legend.${name}`)}
        </li>
      ))}
  </ul>
);

/** The moment looked at, in words; the slider moves it by keyboard and on a phone. */
function Moment({
  chart,
  ratios,
  place,
  cursor,
  box,
  drawn,
}: {
  readonly chart: AssetChart;
  readonly ratios: LineValues;
  readonly place: number;
  readonly cursor: Signal<number | null>;
  readonly box: Signal<PlotBox | undefined>;
  readonly drawn: readonly Drawn[];
}) {
  const { timeMs, stepMs, asset } = chart;
  const ms = timeMs[place] ?? chart.toMs;
  const alarms = spansAt(chart.alarms, ms, stepMs).map((span) => spanSentence(span, asset));
  const invalid = spansAt(chart.invalid, ms, stepMs).map(({ reason, tag }) => invalidText(reason, tag, asset));
  const values = drawn.map(
    ({ channel, mean, expected }) => `${leaf(channel.tag)} ${channelText(channel, valueAt(mean, place), valueAt(expected, place))}`,
  );
  const said = [moment(ms), ratioText(valueAt(ratios, place)), ...alarms, ...invalid];
  return (
    <div class="moment">
      <input
        class="moment-slider"
        type="range"
        min={0}
        max={Math.max(0, timeMs.length - 1)}
        value={place}
        aria-label={t('chart.moment')}
        aria-valuetext={[...said, ...values].join('. ')}
        style={box.value === undefined ? {} : { marginLeft: `${box.value.left}px`, width: `${box.value.width}px` }}
        onFocus={() => {
          // What is read does not move on.
          cursor.value ??= ms;
        }}
        onBlur={() => {
          cursor.value = null;
        }}
        onInput={({ currentTarget }) => {
          cursor.value = timeMs[Number(currentTarget.value)] ?? null;
        }}
      />
      <p>
        <time dateTime={new Date(ms).toISOString()}>{moment(ms)}</time>
        {cursor.value === null && ` (${t('chart.newest')})`} · {ratioText(valueAt(ratios, place))}
        {alarms.map((text) => (
          <span key={text} class="bad">
            {text}
          </span>
        ))}
        {invalid.map((text) => (
          <span key={text}>{text}</span>
        ))}
      </p>
    </div>
  );
}

/** Which alarm, and what it said; rules but for the anomaly are in their sentence already. */
export const spanSentence = (span: AlarmSpan, asset: string): string =>
  `${span.rule === 'anomaly' ? `${word('rule', span.rule)}: ` : ''}${alarmSentence({ asset, ...span }, reader())}`;

/** Why there is no score, and who was to blame. */
export const invalidText = (reason: string, tag: string | null, asset: string): string =>
  `${t('chart.noScore')}: ${word('reason', reason)}${tag === null ? '' : ` (${tag.startsWith(`${asset}/`) ? tag.slice(asset.length + 1) : tag})`}`;

const ratioText = (value: number | null): string => (value === null ? t('chart.noScore') : t('score.ofLimit', { ratio: ratio(value) }));

function channelText({ engineeringUnit, tolerance }: ChannelSeries, value: number | null, expected: number | null): string {
  const shown = value === null ? t('chart.noValue') : withUnit(value, engineeringUnit);
  if (expected === null) return shown;
  return `${shown} · ${t('chart.expected', { value: tolerance === null ? number(expected) : `${number(expected - tolerance)} – ${number(expected + tolerance)}` })}`;
}

/** Who had most of the score. */
function sharesText({ score, channels }: AssetChart, place: number): string {
  const shares = score.shares[place];
  if (shares == null) return '';
  return shares
    .map((share, channel) => ({ share, name: leaf(channels[channel]?.tag ?? '') }))
    .sort((a, b) => b.share - a.share)
    .slice(0, 2)
    .map(({ share, name }) => `${name} ${percent(share, 0)}`)
    .join(' · ');
}

/** The last place with a score, which comes a little after the samples; where there has been none lately, the last at all. */
function newestPlace({ timeMs, stepMs }: AssetChart, ratios: LineValues): number {
  const last = Math.max(0, timeMs.length - 1);
  const scored = ratios.findLastIndex((ratio) => typeof ratio === 'number');
  return scored >= 0 && (last - scored) * stepMs <= Math.max(latelyMs, 5 * stepMs) ? scored : last;
}

/** Places without a score, said to be so. */
function unscored({ invalid, timeMs, stepMs }: AssetChart): (place: number) => boolean {
  const are = timeMs.map((ms) => spansAt(invalid, ms, stepMs).length > 0);
  return (place) => are[place] === true;
}

/** Alarms of the whole asset are shaded everywhere, those of a tag where it is drawn. */
const shadesOf = ({ invalid, alarms, toMs }: AssetChart, tag: string | null): Shade[] => [
  ...invalid.map((span) => ({ fromMs: span.fromMs, toMs: span.toMs, colour: '--shade-invalid' })),
  ...alarms
    .filter((span) => span.tag === null || span.tag === tag)
    .map((span) => ({ fromMs: span.fromMs, toMs: span.toMs ?? toMs, colour: '--shade-alarm' })),
];

/** Mean, least and highest; what the model expected, and how far from it a value may be. */
function drawnOf(chart: AssetChart, channel: ChannelSeries, isUnscored: (place: number) => boolean): Drawn {
  const { min, max, tolerance } = channel;
  const mean = bridged(channel.mean);
  const expected = bridged(channel.expected, isUnscored);
  const around = (by: number): LineValues => expected.map((value) => (typeof value === 'number' ? value + by : value));
  const lines: Line[] = [];
  const bands: Band[] = [];
  const band = (low: Line, high: Line, colour: string): void => {
    bands.push({ low: lines.push(low) - 1, high: lines.push(high) - 1, colour });
  };
  if (tolerance !== null && !isEmpty(expected)) band({ values: around(-tolerance) }, { values: around(tolerance) }, '--tolerance');
  if (min.some((low, i) => low !== null && low !== max[i]))
    band({ values: bridged(min), colour: '--band', width: 0.5 }, { values: bridged(max), colour: '--band', width: 0.5 }, '--band');
  lines.push({ values: expected, colour: '--expected', dash: [4, 3] }, { values: mean, colour: '--measured' });
  return { channel, lines, bands, mean, expected, shades: shadesOf(chart, channel.tag) };
}
