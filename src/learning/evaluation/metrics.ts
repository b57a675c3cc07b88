import { alwaysAlarmF1Of, confusionOf, f1Of, farOf, marOf } from './confusion.ts';
import { episodesOf, rateOf } from './episodes.ts';
import { eventsOf, summaryOf } from './events.ts';
import { bufferRows, vusPrOf } from './range-volume.ts';
import { aucOf, averagePrecisionOf, rankingOf } from './ranking.ts';
import type { VerdictSeries } from './verdict-series.ts';

/** Rates are fractions. NaN (null in JSON) where there is nothing to judge: no anomalous row, no normal row, no event found. */
export interface Metrics {
  /** Over rows, at the limit the detector had. No point adjustment, no best threshold. */
  readonly f1: number;
  /** False-alarm rate over normal rows. */
  readonly far: number;
  /** Missed-alarm rate over anomalous rows. */
  readonly mar: number;
  readonly auc: number;
  /** Average precision. */
  readonly ap: number;
  /** VUS-PR, with a buffer of `vusBufferRows`. */
  readonly vusPr: number;
  readonly eventRecall: number;
  /** Over found events only. */
  readonly delayMedianS: number;
  readonly delayP90S: number;
  /** Events without an alarm. */
  readonly missed: number;
  /** False-alarm episodes a day of normal time under watch. */
  readonly episodesPerDay: number;
  readonly normalHours: number;
  readonly rows: number;
  /** F1 of an alarm that never ends, on these labels. */
  readonly alwaysAlarmF1: number;
  readonly events: number;
  /** Events whose alarm stood already when they began. */
  readonly standingAtOnset: number;
  readonly episodes: number;
  readonly episodesPerDayInterval95: readonly [number, number];
  readonly episodesPerDayUpper95: number;
  readonly anomalousRows: number;
  readonly rowsWithoutVerdict: number;
  readonly vusBufferRows: number;
}

/**
 * The metrics of one recording, or of several as if they were one: rows are counted together and scores ranked together as they are, since each is a share of
 * its own limit; medians are over all events; no event, alarm or buffer reaches from one recording into the next.
 */
export function metricsOf(parts: readonly VerdictSeries[]): Metrics {
  const confusion = confusionOf(parts);
  const ranking = rankingOf(parts);
  const events = parts.flatMap(eventsOf);
  const found = summaryOf(events);
  const episodes = episodesOf(parts);
  const rate = rateOf(episodes);
  const buffer = bufferRows(events.map(({ rows }) => rows));
  return {
    f1: f1Of(confusion),
    far: farOf(confusion),
    mar: marOf(confusion),
    auc: aucOf(ranking),
    ap: averagePrecisionOf(ranking),
    vusPr: vusPrOf(
      ranking,
      parts.map(({ score }) => score.length),
      buffer,
    ),
    eventRecall: found.recall,
    delayMedianS: found.delayMedianS,
    delayP90S: found.delayP90S,
    missed: found.missed,
    episodesPerDay: rate.perDay,
    normalHours: episodes.normalHours,
    rows: ranking.score.length,
    alwaysAlarmF1: alwaysAlarmF1Of(confusion),
    events: found.events,
    standingAtOnset: found.standing,
    episodes: episodes.count,
    episodesPerDayInterval95: rate.interval95,
    episodesPerDayUpper95: rate.upper95,
    anomalousRows: confusion.hit + confusion.missed,
    rowsWithoutVerdict: parts.reduce((sum, { score }) => sum + score.reduce((count, value) => count + (Number.isNaN(value) ? 1 : 0), 0), 0),
    vusBufferRows: buffer,
  };
}
